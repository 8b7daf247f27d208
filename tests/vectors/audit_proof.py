"""Computes audit_proof.json with nothing of Sluice's code: run `python3 audit_proof.py` in this folder.

The records are as the stores hold them, in an order that is not the canonical one; one was decided on another day, one
belongs to another tenant. Three days are sealed: an empty one, the one with the records, and one more empty one.
"""

import base64
import hashlib
import json
import os

import audit_verify
from audit_verify import G, N, SPKI, canonical, leaf, node, times

DAY = "2026-11-20"
START = 1795104000000  # 2026-11-20T00:00:00+08:00
TENANT = "demo-brand"
# A key that everybody knows.
SECRET = int.from_bytes(hashlib.sha256(b"a key that everybody knows").digest(), "big") % N


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


def split(count):
    half = 1
    while half * 2 < count:
        half *= 2
    return half


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    half = split(len(leaves))
    return node(root(leaves[:half]), root(leaves[half:]))


def path(index, leaves):
    if len(leaves) == 1:
        return []
    half = split(len(leaves))
    if index < half:
        return path(index, leaves[:half]) + [root(leaves[half:])]
    return path(index - half, leaves[half:]) + [root(leaves[:half])]


def subproof(first, leaves, whole):
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    half = split(len(leaves))
    if first <= half:
        return subproof(first, leaves[:half], whole) + [root(leaves[half:])]
    return subproof(first - half, leaves[half:], False) + [root(leaves[:half])]


def peaks(leaves):
    found, start = [], 0
    for bit in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> bit & 1:
            found.append(root(leaves[start:start + (1 << bit)]))
            start += 1 << bit
    return found


def hexes(hashes):
    return [hash.hex() for hash in hashes]


def sign(message):
    """ECDSA with a nonce made of key and message, so that the vector is the same each time."""
    e = int.from_bytes(hashlib.sha256(message).digest(), "big")
    k = int.from_bytes(hashlib.sha512(SECRET.to_bytes(32, "big") + message).digest(), "big") % N
    r = times(k, G)[0] % N
    s = pow(k, -1, N) * (e + r * SECRET) % N

    def integer(value):
        data = value.to_bytes(33, "big").lstrip(b"\0")
        data = (b"\0" if data[0] > 127 else b"") + data
        return b"\x02" + bytes([len(data)]) + data

    both = integer(r) + integer(s)
    return b"\x30" + bytes([len(both)]) + both


x, y = times(SECRET, G)
DER = SPKI + b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
KEY = hashlib.sha256(DER).hexdigest()
TEXT = base64.b64encode(DER).decode()
PEM = "-----BEGIN PUBLIC KEY-----\n%s\n%s\n-----END PUBLIC KEY-----\n" % (TEXT[:64], TEXT[64:])


def ordered(records):
    ours = [r for r in records if r["tenant"] == TENANT and START <= r["decided_at"] < START + 86_400_000]
    return sorted(ours, key=lambda r: (r["received_at"], r["source"], r["message"]))


def seal(day, records, previous, log, sealed_at):
    hashed = [leaf(canonical(r)) for r in records]
    listed = b"sluice-leaves-1\n" + b"".join(
        bytes.fromhex(r["trace_id"].replace("-", "")) + hash for r, hash in zip(records, hashed))
    chain = hashlib.sha256(canonical(previous)).digest() if previous else bytes(32)
    for hash in hashed:
        chain = hashlib.sha256(b"\x02" + chain + hash).digest()
    head = {
        "format": "sluice-audit-head-1", "tenant": TENANT, "day": day, "records": len(records),
        "root": root(hashed).hex(), "chain": chain.hex(), "leaves": hashlib.sha256(listed).hexdigest(),
        "log": {"size": len(log), "root": root(log).hex(), "peaks": hexes(peaks(log))}, "sealed_at": sealed_at,
        "previous": {"day": previous["head"]["day"], "sha256": hashlib.sha256(canonical(previous)).hexdigest()}
        if previous else None,
    }
    value = base64.b64encode(sign(canonical(head))).decode()
    signed = json.loads(canonical({"head": head, "signature": {"algorithm": "ecdsa-p256-sha256", "key": KEY, "value": value}}))
    return signed, listed


records = ordered(RECORDS)
log, days = [], []
for day, of_day, sealed_at in [
    ("2026-11-19", [], START + 7_200_000), (DAY, records, START + 93_600_000), ("2026-11-21", [], START + 180_000_000),
]:
    signed, listed = seal(day, of_day, days[-1][0] if days else None, log, sealed_at)
    days.append((signed, listed))
    log = log + [leaf(canonical(signed))]

hashed = [leaf(canonical(r)) for r in records]
INDEX = 3
inclusion = {"format": "sluice-audit-proof-1", "inclusion": {
    "head": days[1][0], "index": INDEX, "leaf": hashed[INDEX].hex(), "path": hexes(path(INDEX, hashed)),
    "record": canonical(records[INDEX]).decode()}}
before = log[:2]
consistency = {"format": "sluice-audit-proof-1", "consistency": {
    "from": days[1][0], "to": days[2][0], "log": hexes(subproof(1, before, True)), "place": hexes(path(1, before))}}

keys = dict([audit_verify.public_key(PEM)])
assert audit_verify.verify(inclusion, keys) is None and audit_verify.verify(consistency, keys) is None

out = {
    "records": RECORDS, "public_key": PEM, "documents": [canonical(signed).decode() for signed, _ in days],
    "leaf_list_hex": days[1][1].hex(), "proven_trace": records[INDEX]["trace_id"],
    "inclusion": canonical(inclusion).decode() + "\n", "consistency": canonical(consistency).decode() + "\n",
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "audit_proof.json"), "w", encoding="utf-8") as file:
    json.dump(out, file, ensure_ascii=False, indent=1)
    file.write("\n")
