"""URLs of the account pages, under /accounts/."""

from django.contrib.auth.views import PasswordResetDoneView
from django.urls import path

from flowra.accounts import views
from flowra.accounts.security.throttle import limited

app_name = "accounts"

urlpatterns = [
    path("login/", limited(views.SignInView.as_view()), name="login"),
    path("demo/", limited(views.DemoSignInView.as_view()), name="demo"),
    path("logout/", views.SignOutView.as_view(), name="logout"),
    path("signup/", limited(views.SignUpView.as_view()), name="signup"),
    path("profile/", views.ProfileView.as_view(), name="profile"),
    path("sign-out-everywhere/", views.sign_out_others, name="sign_out_everywhere"),
    path("password/change/", limited(views.ChangePasswordView.as_view()), name="password_change"),
    path("password/reset/", limited(views.ResetPasswordView.as_view()), name="password_reset"),
    path(
        "password/reset/sent/",
        PasswordResetDoneView.as_view(template_name="accounts/password_reset_done.html"),
        name="password_reset_done",
    ),
    path(
        "password/reset/<uidb64>/<token>/",
        limited(views.ConfirmResetView.as_view()),
        name="password_reset_confirm",
    ),
]
