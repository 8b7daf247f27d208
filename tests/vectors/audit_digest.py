"""Computes audit_digest.json with nothing of Sluice's code: run `python3 audit_digest.py` in this folder.

The records are as the stores hold them, in an order that is not the canonical one; one was decided on another day, one
belongs to another tenant.
"""

import hashlib
import json
import os

DAY = "2026-11-20"
START = 1795104000000  # 2026-11-20T00:00:00+08:00
TENANT = "demo-brand"


def record(source, message, received, decided, **more):
    return {
        "tenant": TENANT, "source": source, "message": message,
        "trace_id": "0199%04x-0000-7000-8000-%012x" % (received % 65536, received % 281474976710656),
        "kind": "form_submit", "name": "im_receive_msg", "person": None, "occurred_at": None,
        "received_at": START + received, "decided_at": START + decided,
        "payload_sha256": hashlib.sha256(message.encode()).hexdigest(),
        "disposition": "unhandled", **more,
    }


DECISION = {
    "verdict": "block",
    "reasons": [{
        "code": "contact_diversion", "title": "站外引流", "rule": "diversion",
        "basis": [{"document": "抖音社区自律公约", "article": "第三条"}],
        "evidence": [{"field": "text", "category": "contact_diversion", "start": 2, "end": 9}],
    }],
    "path": [{"rule": "diversion", "matched": True}],
    "pack": {"id": "baseline", "version": "1", "sha256": "ab" * 32},
    "consent": None,
}

RECORDS = [
    record("open-platform", "m-9", 5_000, 5_020, person="p-2", occurred_at=START + 4_000),
    record("open-platform", "m-1", 5_000, 5_010),
    record("life-webhook", "m-7", 5_000, 5_030, disposition="recorded", effect="order_book", name="订单\"已支付\"\n"),
    record("open-platform", "m-0", -1_000, 10, disposition="decided", decision=DECISION),
    record("open-platform", "late", 86_399_000, 86_400_500),
    record("open-platform", "other", 7_000, 7_010) | {"tenant": "demo-mcn"},
    record("open-platform", "m-3", 86_399_000, 86_399_999),
]


def canonical(value):
    def stripped(value):
        if isinstance(value, dict):
            return {name: stripped(member) for name, member in value.items() if member is not None}
        return [stripped(item) for item in value] if isinstance(value, list) else value

    return json.dumps(stripped(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def mark(record):
    return {name: record[name] for name in ("received_at", "source", "message", "trace_id")}


def document(records, previous):
    ours = [r for r in records if r["tenant"] == TENANT and START <= r["decided_at"] < START + 86_400_000]
    ours.sort(key=lambda r: (r["received_at"], r["source"], r["message"]))
    leaves = [hashlib.sha256(b"\x00" + canonical(r)).digest() for r in ours]
    return canonical({
        "algorithm": "sha256-rfc6962-rfc8785", "tenant": TENANT, "day": DAY, "records": len(ours),
        "first": mark(ours[0]) if ours else None, "last": mark(ours[-1]) if ours else None,
        "root": root(leaves).hex(), "previous": previous,
    })


previous = {"day": "2026-11-19", "sha256": "0123456789abcdef" * 4}
full, empty = document(RECORDS, previous), document([], None)
out = {
    "records": RECORDS, "previous": previous,
    "document": full.decode(), "document_sha256": hashlib.sha256(full).hexdigest(),
    "empty_document": empty.decode(), "empty_document_sha256": hashlib.sha256(empty).hexdigest(),
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "audit_digest.json"), "w", encoding="utf-8") as file:
    json.dump(out, file, ensure_ascii=False, indent=1)
    file.write("\n")
