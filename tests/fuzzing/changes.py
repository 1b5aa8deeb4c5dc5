"""Changes to valid files: of bytes, whatever they mean, and of what JSON and XML say."""

import copy
import json
import re
from random import Random
from typing import Any

TOKEN = re.compile(rb'"[^"\n]{0,80}"|[\w.+-]+|\s+|.', re.DOTALL)
DEEP = 5000
WORDS = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", "ü\u202e\U0001f600".encode(), b"nan", b"-inf", b"1e400", b"-1", b"0"]
WORDS += [b"9" * 400, b"[" * DEEP, b"{", b"]", b'"', b"'", b"<", b"&", b"../", b"\n", b"\r\n", b"," * 9, b"\\ud800"]
NUMBERS = [0, -1, 1, 0.5, -0.0, 1e-300, 1e300, 1e12, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, 10**400]
ODD: list[Any] = [None, True, False, "", "x", "\0", "a\0b", "\ud800", "ü\u202e", "../../etc/passwd", "a" * 5000]
ODD += [[], {}, [[]], [{}], float("nan"), float("inf"), [1, 2, 3, 4], {"size": [1, 1], "counts": [1]}]


def changed_bytes(content: bytes, rng: Random) -> bytes:
    """One to four changes: bits, cuts, insertions, doubled blocks, moved blocks, words, large numbers in binary."""
    made = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(made) + 1)
        end = min(len(made), at + rng.choice((1, 2, 4, 16, 200)))
        kind = rng.choice(("bit", "cut", "insert", "remove", "double", "move", "word", "binary", "token"))
        if kind == "bit" and at < len(made):
            made[at] ^= 1 << rng.randrange(8)
        elif kind == "cut":
            del made[at:]
        elif kind == "insert":
            made[at:at] = rng.randbytes(rng.choice((1, 3, 50)))
        elif kind == "remove":
            del made[at:end]
        elif kind == "double":
            made[at:at] = made[at:end] * rng.choice((1, 1, 30))
        elif kind == "move":
            block = made[at:end]
            del made[at:end]
            at = rng.randrange(len(made) + 1)
            made[at:at] = block
        elif kind == "word":
            made[at : rng.choice((at, end))] = rng.choice(WORDS)
        elif kind == "binary":
            size = rng.choice((1, 2, 4, 8))
            values, half = 1 << 8 * size, 1 << 8 * size - 1
            value = rng.choice((0, values - 1, half - 1, half, rng.getrandbits(16) % values))
            made[at : at + size] = value.to_bytes(size, rng.choice(("big", "little")))
        elif kind == "token":
            made = bytearray(_other_token(bytes(made), rng))
    return bytes(made)


def _other_token(content: bytes, rng: Random) -> bytes:
    tokens = TOKEN.findall(content[:20_000])
    if tokens:
        one, two = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        tokens[one], tokens[two] = tokens[two], rng.choice((tokens[one], b"", rng.choice(WORDS)))
    return b"".join(tokens) + content[20_000:]


def changed_json(content: bytes, rng: Random) -> bytes:
    """Valid JSON, or what Python writes as such, that says something else in one to three places."""
    tree = json.loads(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            break
        table, key = rng.choice(places)
        kind = rng.choice(("set", "set", "number", "remove", "double", "rename", "swap", "wrap", "deep"))
        if kind == "set":
            table[key] = copy.deepcopy(rng.choice(ODD))
        elif kind == "number":
            numbers = [place for place in places if type(place[0][place[1]]) in (int, float)]
            table, key = rng.choice(numbers or places)
            table[key] = rng.choice((*NUMBERS, -rng.choice(NUMBERS), rng.uniform(-100, 100), rng.randrange(100)))
        elif kind == "remove":
            del table[key]
        elif kind == "double" and isinstance(table, list):
            table.insert(key, copy.deepcopy(table[key]))
        elif kind == "rename" and isinstance(table, dict):
            table[rng.choice((f"{key}x", key.upper(), "id", "", "\0"))] = table.pop(key)
        elif kind == "swap":
            other, there = rng.choice(places)
            table[key], other[there] = copy.deepcopy(other[there]), copy.deepcopy(table[key])
        elif kind == "wrap":
            table[key] = rng.choice(([table[key]], {"id": table[key]}, str(table[key])))
        elif kind == "deep":
            table[key] = "@deep@"
    depth = rng.choice((100, 900, 1000, DEEP))  # parsers and printers have limits of their own
    text = json.dumps(tree, indent=rng.choice((None, 1)))
    return text.replace('"@deep@"', "[" * depth + "]" * depth).encode()


def _places(tree: Any) -> Any:
    """Each container with each key or place of it."""
    todo = [tree]
    while todo:
        table = todo.pop()
        for key in [*table] if isinstance(table, dict) else range(len(table)):
            yield table, key
            if isinstance(table[key], dict | list):
                todo.append(table[key])


DOCTYPES = (
    '<!DOCTYPE annotation [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE annotation [<!ENTITY e "aaaaaaaaaa"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">]>',
    '<!DOCTYPE annotation [<!ENTITY % e SYSTEM "http://127.0.0.1:1/x"> %e;]>',
    '<!DOCTYPE annotation SYSTEM "file:///dev/zero">',
)
ELEMENT = re.compile(r"<(\w+)>([^<>]*)</\1>")
TEXTS = ["", " ", "nan", "inf", "-1", "0", "1e308", "1e400", "9" * 400, "1_0", "\u0663", "0x10", "12px", "1,5"]
TEXTS += ["&#0;", "&#55296;", "<![CDATA[7]]>", "<!-- -->7", "<b>7</b>", "a\nb", "ü\u202e", "12.5", "59", "&e;", "&lt;"]
TEXTS += ["a" * 5000]
KINDS = ("text", "text", "text", "remove", "double", "rename", "move", "doctype", "declare", "deep", "attribute")


def changed_xml(content: bytes, rng: Random) -> bytes:
    """XML whose elements say something else, lie elsewhere or are there twice; with entities, encodings, depth."""
    text = content.decode()
    for _ in range(rng.choice((1, 1, 2, 3))):
        elements = list(ELEMENT.finditer(text))
        if not elements:
            break
        found = rng.choice(elements)
        start, end, tag = found.start(), found.end(), found[1]
        kind = rng.choice(KINDS)
        if kind == "text":
            text = text[: found.start(2)] + rng.choice(TEXTS) + text[found.end(2) :]
        elif kind == "remove":
            text = text[:start] + text[end:]
        elif kind == "double":
            text = text[:end] + found[0] + text[end:]
        elif kind == "rename":
            other = rng.choice(("object", "xmin", "size", "name", "ü", tag.upper()))
            text = f"{text[:start]}<{other}>{found[2]}</{other}>{text[end:]}"
        elif kind == "move":
            rest = text[:start] + text[end:]
            at = rng.choice([match.start() for match in re.finditer("<", rest)])
            text = rest[:at] + found[0] + rest[at:]
        elif kind == "doctype":
            text = rng.choice(DOCTYPES) + text
        elif kind == "declare":
            encoding = rng.choice(("utf-16", "latin-1", "ascii", "utf-7", "no-such", "big5", "UTF-8", "idna"))
            text = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
        elif kind == "deep":
            depth = rng.choice((100, 2000, 50_000))
            text = text[:start] + "<object>" * depth + found[0] + "</object>" * depth + text[end:]
        elif kind == "attribute":
            text = text[:start] + f"<{tag} a='{rng.choice(TEXTS)}'>{found[2]}</{tag}>" + text[end:]
    return text.encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-16")), errors="replace")
