"""Write files as other programs do, chunk by chunk."""

from __future__ import annotations

import html
import io
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from PIL import Image

A1111 = (
    "a red house, 雪地\nNegative prompt: night, snow\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 12345, Size: 512x768, Model hash: 0a1b2c, "
    "Model: none, Version: v1.10.1"
)
USER_COMMENT, MODEL, MAKE, SOFTWARE, DESCRIPTION, MAKER_NOTE = (
    0x9286, 0x0110, 0x010F, 0x0131, 0x010E, 0x927C,
)  # fmt: skip
BYTE, ASCII, UNDEFINED = 1, 2, 7


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def text_chunk(keyword: str, text: str, encoding: str = "utf-8") -> bytes:
    """Return a text in a tEXt chunk."""
    return chunk(b"tEXt", keyword.encode() + b"\0" + text.encode(encoding))


def ztxt_chunk(keyword: str, text: str, encoding: str = "utf-8") -> bytes:
    """Return a text in a zTXt chunk."""
    body = zlib.compress(text.encode(encoding))
    return chunk(b"zTXt", keyword.encode() + b"\0\0" + body)


def itxt_chunk(keyword: str, text: str, *, compressed: bool = False) -> bytes:
    """Return a text in an iTXt chunk, with a language and a translated keyword."""
    body = zlib.compress(text.encode()) if compressed else text.encode()
    flags = b"\1\0" if compressed else b"\0\0"
    return chunk(b"iTXt", keyword.encode() + b"\0" + flags + b"en\0" + b"Wort\0" + body)


def png(*chunks: bytes, late: tuple[bytes, ...] = ()) -> bytes:
    """Return a PNG with these chunks before its pixels. late: behind them."""
    out = io.BytesIO()
    Image.new("RGB", (24, 16), "red").save(out, "PNG")
    data = out.getvalue()
    at, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    return data[:at] + b"".join(chunks) + data[at:end] + b"".join(late) + data[end:]


def png_with(**texts: object) -> bytes:
    """Return a PNG with these texts, objects as JSON; "__" in a keyword stands for "-"."""
    chunks = [
        itxt_chunk(key.replace("__", "-"), each if isinstance(each, str) else json.dumps(each))
        for key, each in texts.items()
    ]
    return png(*chunks)


def exif(
    tags: Mapping[int, bytes | str], *, order: str = ">", kind: int = UNDEFINED, nested: bool = True
) -> bytes:
    """Return EXIF metadata from its TIFF header on. kind: the type of bytes; texts are ASCII.

    nested: the user comment is in the EXIF folder, as its standard has it, else in the first one.
    """
    inner = {tag: tags[tag] for tag in (USER_COMMENT,) if tag in tags and nested}
    outer = {tag: each for tag, each in tags.items() if tag not in inner}
    count = len(outer) + bool(inner)
    folder_at = 8
    inner_at = folder_at + 2 + 12 * count + 4
    values_at = inner_at + (2 + 12 * len(inner) + 4 if inner else 0)
    values = b""

    def folder(entries: Mapping[int, bytes | str]) -> bytes:
        nonlocal values
        rows = b""
        for tag, each in sorted(entries.items()):
            body = each.encode() + b"\0" if isinstance(each, str) else each
            of = ASCII if isinstance(each, str) else kind
            if len(body) <= 4:
                place = body.ljust(4, b"\0")
            else:
                place = struct.pack(f"{order}I", values_at + len(values))
                values += body + b"\0" * (len(body) % 2)
            rows += struct.pack(f"{order}HHI", tag, of, len(body)) + place
        return rows

    first = folder(outer)
    if inner:
        first += struct.pack(f"{order}HHII", 0x8769, 4, 1, inner_at)
    second = folder(inner)
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", folder_at)
    end = b"\0\0\0\0"
    whole = head + struct.pack(f"{order}H", count) + first + end
    if inner:
        whole += struct.pack(f"{order}H", len(inner)) + second + end
    return whole + values


def xmp(user_comment: str, tool: str = "Draw Things") -> str:
    """Return a packet of XMP as Draw Things writes it."""
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 6.0.0">
   <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/">
         <dc:description><rdf:Alt><rdf:li xml:lang="x-default">a text</rdf:li></rdf:Alt>
         </dc:description>
         <xmp:CreatorTool>{html.escape(tool, quote=False)}</xmp:CreatorTool>
         <exif:UserComment>
            <rdf:Alt>
               <rdf:li xml:lang="x-default">{html.escape(user_comment, quote=False)}</rdf:li>
            </rdf:Alt>
         </exif:UserComment>
      </rdf:Description>
   </rdf:RDF>
</x:xmpmeta>"""


def compact_xmp(user_comment: str, tool: str = "Draw Things") -> str:
    """Return the same as editors write it, with attributes in place of elements."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about="" '
        f'xmp:CreatorTool="{html.escape(tool)}" exif:UserComment="{html.escape(user_comment)}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )


def raw_profile(name: str, data: bytes) -> bytes:
    """Return a chunk in which ImageMagick keeps what a JPEG had beside its pixels."""
    digits = data.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return ztxt_chunk(f"Raw profile type {name}", f"\n{name}\n{len(data):8}\n{lines}\n")


def jpeg(metadata: bytes, *, comment: str = "", packet: str = "") -> bytes:
    """Return a JPEG with EXIF metadata, behind its JFIF header as encoders write it.

    packet: XMP.
    """
    out = io.BytesIO()
    Image.new("RGB", (24, 16), "red").save(out, "JPEG")
    data = out.getvalue()
    at = 4 + int.from_bytes(data[4:6], "big")
    body = b"Exif\0\0" + metadata
    segments = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    if packet:
        body = b"http://ns.adobe.com/xap/1.0/\0" + packet.encode()
        segments += b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    if comment:
        segments += b"\xff\xfe" + struct.pack(">H", len(comment.encode()) + 2) + comment.encode()
    return data[:at] + segments + data[at:]


def webp(metadata: bytes, *, packet: str = "") -> bytes:
    """Return a WebP with EXIF metadata. packet: XMP."""
    out = io.BytesIO()
    Image.new("RGB", (24, 16), "red").save(out, "WEBP", exif=metadata, xmp=packet.encode())
    return out.getvalue()


def user_comment(text: str, charset: bytes, encoding: str) -> bytes:
    """Return a user comment with the eight bytes that name its encoding."""
    return charset.ljust(8, b"\0") + text.encode(encoding)


def z_image_graph(**changes: Any) -> dict[str, Any]:
    """Return ComfyUI's graph for Z-Image-Turbo as its template makes it. changes: nodes by id, with
    an underscore before each."""
    nodes: dict[str, Any] = {
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "z", "images": ["43", 0]}},
        "39": {
            "class_type": "CLIPLoader",
            "inputs": {"clip_name": "qwen_3_4b.safetensors", "type": "lumina2"},
        },
        "40": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
        "41": {
            "class_type": "EmptySD3LatentImage",
            "inputs": {"width": 1024, "height": 768, "batch_size": 1},
        },
        "42": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["45", 0]}},
        "43": {"class_type": "VAEDecode", "inputs": {"samples": ["44", 0], "vae": ["40", 0]}},
        "44": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 47447417949230,
                "steps": 9,
                "cfg": 1,
                "sampler_name": "euler",
                "scheduler": "simple",
                "denoise": 1,
                "model": ["47", 0],
                "positive": ["45", 0],
                "negative": ["42", 0],
                "latent_image": ["41", 0],
            },
            "is_changed": [float("nan")],
        },
        "45": {
            "class_type": "CLIPTextEncode",
            "inputs": {"text": "a red house, 雪地", "clip": ["39", 0]},
            "_meta": {"title": "CLIP Text Encode (Prompt)"},
        },
        "46": {"class_type": "UNETLoader", "inputs": {"unet_name": "z_image_turbo.safetensors"}},
        "47": {"class_type": "ModelSamplingAuraFlow", "inputs": {"shift": 3, "model": ["46", 0]}},
    }
    return {**nodes, **{name.removeprefix("_"): node for name, node in changes.items()}}
