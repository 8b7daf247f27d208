"""Checks a proof file of `sluice audit prove` with nothing of Sluice's code, and nothing but Python's own library:

    python3 audit_verify.py proof.json audit-key.pem [older-key.pem …]

Exit code 0: it holds; 1: it does not; 2: the files can not be used. docs/SECURITY.md describes the format.
"""

import base64
import hashlib
import json
import sys


def canonical(value):
    """RFC 8785 for texts and integers with plain names; nulls are left out."""

    def stripped(value):
        if isinstance(value, dict):
            return {name: stripped(member) for name, member in value.items() if member is not None}
        return [stripped(item) for item in value] if isinstance(value, list) else value

    return json.dumps(stripped(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


# ------------------------------------------------------------------ the tree of RFC 6962, its proofs as RFC 9162 verifies them

def leaf(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_path(index, size, hash, path):
    fn, sn = index, size - 1
    for sibling in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            hash = node(sibling, hash)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            hash = node(hash, sibling)
        fn, sn = fn >> 1, sn >> 1
    return hash if sn == 0 else None


def includes(index, size, hash, path, root):
    return 0 <= index < size and root_of_path(index, size, hash, path) == root


def consistent(first, second, first_root, second_root, path):
    if not 0 < first <= second:
        return False
    if first == second:
        return path == [] and first_root == second_root
    if not path:
        return False
    if first & (first - 1) == 0:
        path = [first_root] + path
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for hash in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(hash, fr), node(hash, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, hash)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


# ------------------------------------------------------------------ ECDSA over P-256 (FIPS 186-5)

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def add(one, two):
    if one is None or two is None:
        return one or two
    (x1, y1), (x2, y2) = one, two
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P) if one == two else (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times(factor, point):
    total = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point, factor = add(point, point), factor >> 1
    return total


def integers(der):
    """The two integers of a DER signature, strictly."""

    def item(tag, data):
        if len(data) < 2 or data[0] != tag or data[1] > 127 or len(data) < 2 + data[1]:
            raise ValueError("no DER signature")
        return data[2:2 + data[1]], data[2 + data[1]:]

    body, rest = item(0x30, der)
    r, body = item(0x02, body)
    s, body = item(0x02, body)
    if rest or body:
        raise ValueError("no DER signature")
    return int.from_bytes(r, "big"), int.from_bytes(s, "big")


def is_signature(point, message, der):
    try:
        r, s = integers(der)
    except ValueError:
        return False
    if not (0 < r < N and 0 < s < N):
        return False
    e, w = int.from_bytes(hashlib.sha256(message).digest(), "big"), pow(s, -1, N)
    found = add(times(e * w % N, G), times(r * w % N, point))
    return found is not None and found[0] % N == r


def public_key(text):
    """The point and the name of a key in PEM."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if lines[0] != "-----BEGIN PUBLIC KEY-----" or lines[-1] != "-----END PUBLIC KEY-----":
        raise ValueError("expected a public key in PEM")
    der = base64.b64decode("".join(lines[1:-1]), validate=True)
    if len(der) != 91 or der[:27] != SPKI + b"\x04":
        raise ValueError("expected a key on P-256")
    x, y = int.from_bytes(der[27:59], "big"), int.from_bytes(der[59:], "big")
    if (y * y - (x * x * x - 3 * x + B)) % P:
        raise ValueError("the key is no point of P-256")
    return hashlib.sha256(der).hexdigest(), (x, y)


# ------------------------------------------------------------------ the files

def hashes(texts):
    return [bytes.fromhex(text) for text in texts]


def verify_head(signed, keys):
    head, signature = signed["head"], signed["signature"]
    if head["format"] != "sluice-audit-head-1" or signature["algorithm"] != "ecdsa-p256-sha256":
        return "a head of another format"
    if signature["key"] not in keys:
        return "signed by an unknown key, " + signature["key"]
    value = base64.b64decode(signature["value"], validate=True)
    return None if is_signature(keys[signature["key"]], canonical(head), value) else "wrong signature"


def verify(proof, keys):
    """What is wrong with a proof; None when it holds."""
    if proof["format"] != "sluice-audit-proof-1" or ("inclusion" in proof) == ("consistency" in proof):
        return "no proof file"
    if "inclusion" in proof:
        it = proof["inclusion"]
        wrong = verify_head(it["head"], keys)
        if wrong:
            return wrong
        head, hash = it["head"]["head"], bytes.fromhex(it["leaf"])
        if "record" in it and leaf(it["record"].encode()) != hash:
            return "the record is not the one that was sealed"
        if not includes(it["index"], head["records"], hash, hashes(it["path"]), bytes.fromhex(head["root"])):
            return "the record is not in the day's tree"
        return None
    it = proof["consistency"]
    wrong = verify_head(it["from"], keys) or verify_head(it["to"], keys)
    if wrong:
        return wrong
    one, two = it["from"]["head"], it["to"]["head"]
    first, second, root = one["log"]["size"], two["log"]["size"], bytes.fromhex(two["log"]["root"])
    if one["tenant"] != two["tenant"] or one["day"] >= two["day"] or first >= second:
        return "two heads that have nothing to do with one another"
    log = hashes(it["log"])
    if not (first == 0 and log == []) and not consistent(first, second, bytes.fromhex(one["log"]["root"]), root, log):
        return "a day before %s was rewritten" % one["day"]
    if not includes(first, second, leaf(canonical(it["from"])), hashes(it["place"]), root):
        return "the day %s was rewritten" % one["day"]
    return None


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as file:
            proof = json.load(file)
        keys = {}
        for path in arguments[1:]:
            with open(path, encoding="ascii") as file:
                name, point = public_key(file.read())
                keys[name] = point
        wrong = verify(proof, keys)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        print("can not be used: %r" % error, file=sys.stderr)
        return 2
    print("it holds" if wrong is None else "it does NOT hold: " + wrong)
    return 0 if wrong is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
