import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Sent } from "../src/sends";
import { Sends } from "../src/sends";

function sent(id: string, type = "coin"): Sent {
  return { id, type, fields: {}, text: null, status: "pending" };
}

describe("sends", () => {
  it("are pending until the final reply", () => {
    const sends = new Sends();
    sends.start(sent("1"));

    assert.equal(sends.statusOf("coin").status, "pending");
    assert.equal(sends.statusOf("push").status, "idle");
    sends.reply("1", "ok");
    assert.equal(sends.statusOf("coin").status, "ok");
  });

  it("count those that wait in the queue", () => {
    const sends = new Sends();
    for (const id of ["1", "2", "3"]) sends.start(sent(id));
    sends.reply("2", "queued");
    sends.reply("3", "queued");

    assert.deepEqual(sends.statusOf("coin"), { status: "queued", queued: 2 });
  });

  it("that went well settle, those that failed stay until the next", () => {
    const sends = new Sends();
    const [good, bad] = [sent("1"), sent("2")];
    sends.start(good);
    sends.reply("1", "ok");
    assert.equal(sends.settle(good), true);
    assert.equal(sends.statusOf("coin").status, "idle");

    sends.start(bad);
    sends.reply("2", "failed");
    assert.equal(sends.settle(bad), false);
    assert.equal(sends.statusOf("coin").status, "failed");
    sends.start(sent("3"));
    assert.equal(sends.statusOf("coin").status, "pending");
  });

  it("that were ignored leave the button idle", () => {
    const sends = new Sends();
    sends.start(sent("1"));
    sends.reply("1", "ignored");

    assert.equal(sends.statusOf("coin").status, "idle");
  });

  it("answer once: a reply to an unknown or finished send is nothing", () => {
    const sends = new Sends();
    sends.start(sent("1"));
    sends.reply("1", "ok");

    assert.equal(sends.reply("1", "failed"), undefined);
    assert.equal(sends.reply("9", "ok"), undefined);
    assert.equal(sends.statusOf("coin").status, "ok");
  });

  it("are forgotten when nobody will answer, with what went before", () => {
    const sends = new Sends();
    sends.start(sent("0"));
    sends.reply("0", "failed");
    sends.start(sent("1"));
    sends.abandon();

    assert.equal(sends.statusOf("coin").status, "idle");
  });
});
