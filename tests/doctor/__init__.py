"""manage.py doctor: before real databases and brokers that are well, ill and away."""
