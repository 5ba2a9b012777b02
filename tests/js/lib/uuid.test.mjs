// Random ids.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import test from "node:test";
import { newId } from "../../../static/js/lib/uuid.js";

test("ids are UUIDs of version 4, also where the browser makes none", () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const plainHttp = { getRandomValues: (bytes) => webcrypto.getRandomValues(bytes) };
  assert.match(newId(webcrypto), UUID);
  assert.match(newId(plainHttp), UUID);
  assert.notEqual(newId(plainHttp), newId(plainHttp));
});
