"""What files say of themselves, and what reading that never does."""

from __future__ import annotations

import datetime as dt
import http.server
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deepfake.engine.provenance import MOST_MARKS, plain, provenance_of
from deepfake.engine.verdict import ProvenanceMark
from tests import footage
from tests.deepfake.engine.clips import scene, write_clip

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def tagged(tmp_path: Path, suffix: str = ".mp4", **tags: str) -> tuple[ProvenanceMark, ...]:
    return provenance_of(write_clip(tmp_path / f"a{suffix}", scene(2, size=(64, 48)), tags=tags))


def mark(generator: str, detail: str, *, generated: bool = True) -> ProvenanceMark:
    return ProvenanceMark("metadata", generator, generated, detail)


def test_an_ordinary_file_says_nothing(tmp_path: Path) -> None:
    assert tagged(tmp_path, title="How Sora works", comment="filmed with Kling in the garden") == ()


def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("nothing")
    assert provenance_of(tmp_path / "a.mp4") == ()
    assert provenance_of(tmp_path / "none.mp4") == ()


@pytest.mark.parametrize(
    ("value", "generator"),
    [
        ("OpenAI Sora 2", "OpenAI Sora"),
        ("Runway Gen-3", "Runway"),
        ("KLING AI", "Kling"),
        ("Google Veo 3.1", "Google Veo"),
        ("ComfyUI", "ComfyUI"),
        ("FaceFusion 3", "FaceFusion"),
    ],
)
def test_a_program_that_is_known_to_generate_is_told(tmp_path: Path, value: str, generator: str) -> None:
    assert tagged(tmp_path, software=value) == (mark(generator, f"software: {value}"),)


@pytest.mark.parametrize(
    "value",
    ["Lavf62.3", "Google", "HandBrake 1.9", "Adobe Premiere Pro", "Nightrunway", "Wankel", "iPhone 15"],
)
def test_a_program_that_is_not_is_not(tmp_path: Path, value: str) -> None:
    assert tagged(tmp_path, software=value) == ()


GRAPH = {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}}}
WORKFLOW = {"nodes": [{"id": 1, "type": "KSampler"}], "links": []}


@pytest.mark.parametrize(
    "tags",
    [
        {"prompt": json.dumps(GRAPH)},
        {"workflow": json.dumps(WORKFLOW)},
        {"comment": json.dumps({"prompt": json.dumps(GRAPH)})},
        {"comment": json.dumps({"workflow": WORKFLOW})},
    ],
)
def test_a_comfyui_workflow_is_recognised(tmp_path: Path, tags: dict[str, str]) -> None:
    (found,) = tagged(tmp_path, **tags)
    assert (found.generator, found.is_generator) == ("ComfyUI", True)


@pytest.mark.parametrize(
    "tags",
    [
        {"prompt": "a cat"},
        {"prompt": json.dumps({"a": 1})},
        {"comment": json.dumps({"prompt": "a cat"})},
        {"comment": "[" * 20_000},
        {"workflow": json.dumps([WORKFLOW])},
    ],
)
def test_what_only_looks_like_one_is_not(tmp_path: Path, tags: dict[str, str]) -> None:
    assert tagged(tmp_path, **tags) == ()


def test_the_settings_line_of_a_web_ui_is_recognised(tmp_path: Path) -> None:
    (found,) = tagged(tmp_path, comment="a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7")
    assert (found.generator, found.is_generator) == ("Stable Diffusion web UI", True)


@pytest.mark.parametrize(("label", "generated"), [("1", True), ("2", False), ("3", False)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_chinese_label_is_read(tmp_path: Path, label: str, generated: bool, suffix: str) -> None:
    fields = {"Label": label, "ContentProducer": "001191440300", "ProduceID": "1"}
    (found,) = tagged(tmp_path, suffix, AIGC=json.dumps(fields))
    assert (found.generator, found.is_generator) == ("001191440300", generated)
    assert "GB 45438-2025" in found.detail


def test_the_chinese_label_is_read_out_of_a_comment(tmp_path: Path) -> None:
    (found,) = tagged(tmp_path, comment=json.dumps({"AIGC": {"Label": "1", "ContentProducer": "maker"}}))
    assert (found.generator, found.is_generator) == ("maker", True)


@pytest.mark.parametrize(
    "value", ['{"Label": "9"}', '{"Label": [1]}', "Label", "{", "[1]", '{"AIGC": {"Label": {}}}']
)
def test_a_label_that_is_none_says_nothing(tmp_path: Path, value: str) -> None:
    assert tagged(tmp_path, AIGC=value) == ()


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description xmp:CreatorTool="{tool}" '
    'Iptc4xmpExt:DigitalSourceType="{source}">{more}</rdf:Description></rdf:RDF></x:xmpmeta>'
)


def with_xmp(path: Path, packet: str) -> Path:
    """Append an XMP packet in the box that the XMP specification names for MP4."""
    write_clip(path, scene(2, size=(64, 48)))
    content = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + packet.encode()
    with path.open("ab") as file:
        file.write((8 + len(content)).to_bytes(4, "big") + b"uuid" + content)
    return path


def test_xmp_says_that_a_model_made_it(tmp_path: Path) -> None:
    packet = XMP.format(tool="Adobe Firefly Video", source=GENERATED, more="")
    (found,) = provenance_of(with_xmp(tmp_path / "a.mp4", packet))
    assert found == mark("Adobe Firefly", "xmp: trainedAlgorithmicMedia")


def test_xmp_of_a_camera_says_nothing(tmp_path: Path) -> None:
    packet = XMP.format(tool="Camera 1.0", source=CAPTURED, more="")
    assert provenance_of(with_xmp(tmp_path / "a.mp4", packet)) == ()


def test_the_chinese_label_is_read_out_of_xmp(tmp_path: Path) -> None:
    label = "<TC260:AIGC>{&quot;Label&quot;:&quot;1&quot;,&quot;ContentProducer&quot;:&quot;maker&quot;}</TC260:AIGC>"
    packet = XMP.format(tool="x", source=CAPTURED, more=label)
    (found,) = provenance_of(with_xmp(tmp_path / "a.mp4", packet))
    assert (found.generator, found.is_generator) == ("maker", True)


def test_what_is_told_is_short_printable_and_one_line(tmp_path: Path) -> None:
    (found,) = tagged(tmp_path, software="Runway\x1b[31m\r\n" + "x" * 5000)
    assert found.detail.isprintable()
    assert len(found.detail) <= 200
    assert plain("a\u202eb\n\tc", 10) == "a b c"


def test_a_file_full_of_tags_tells_only_some(tmp_path: Path) -> None:
    tags = {
        name: f"Runway {number}"
        for number, name in enumerate(("software", "generator", "vendor", "make", "model"))
    }
    tags |= {
        name: f"Kling {name}"
        for name in ("encoded_by", "encoding_tool", "creation_tool", "creatortool", "aigenerator")
    }
    assert 5 < len(tagged(tmp_path, ".mkv", **tags)) <= MOST_MARKS


# --- C2PA --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signer() -> c2pa.Signer:
    """Signs with a certificate that this test makes, as anybody can."""
    now = dt.datetime.now(dt.UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def name(common: str) -> x509.Name:
        parts = ((NameOID.COMMON_NAME, common), (NameOID.ORGANIZATION_NAME, "Maker of Tests"))
        return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])

    def certificate(common: str, public: ec.EllipticCurvePublicKey, *, authority: bool) -> x509.Certificate:
        usage = {
            "digital_signature": not authority,
            "content_commitment": False,
            "key_encipherment": False,
            "data_encipherment": False,
            "key_agreement": False,
            "key_cert_sign": authority,
            "crl_sign": authority,
            "encipher_only": False,
            "decipher_only": False,
        }
        building = (
            x509.CertificateBuilder()
            .subject_name(name(common))
            .issuer_name(name("authority"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )
        if not authority:
            purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            building = building.add_extension(purposes, critical=False)
        return building.sign(authority_key, hashes.SHA256())

    chain = (
        certificate("signer", key.public_key(), authority=False),
        certificate("authority", authority_key.public_key(), authority=True),
    )
    form = serialization.PrivateFormat.PKCS8
    info = c2pa.C2paSignerInfo(
        alg=b"es256",
        sign_cert=b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain),
        private_key=key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()),
        ta_url=None,
    )
    return c2pa.Signer.from_info(info)


def manifest(source: str, program: str = "Sora") -> dict[str, Any]:
    action = {"action": "c2pa.created", "softwareAgent": {"name": program}, "digitalSourceType": source}
    return {
        "claim_generator_info": [{"name": "Signing Service", "version": "1"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
    }


def signed(signer: c2pa.Signer, path: Path, builder: c2pa.Builder, source: bytes | None = None) -> Path:
    out = io.BytesIO()
    builder.sign(signer, "video/mp4", io.BytesIO(source or footage.video_bytes(seed=1)), out)
    path.write_bytes(out.getvalue())
    return path


SIGNED = ProvenanceMark(
    "c2pa",
    "Sora",
    is_generator=True,
    detail="signed by Maker of Tests; trainedAlgorithmicMedia",
    verified=True,
)


def test_a_signed_manifest_of_a_generator_is_told_and_verified(signer: c2pa.Signer, tmp_path: Path) -> None:
    path = signed(signer, tmp_path / "a.mp4", c2pa.Builder(json.dumps(manifest(GENERATED))))
    assert provenance_of(path) == (SIGNED,)


def test_a_signed_manifest_of_a_camera_is_told_as_none(signer: c2pa.Signer, tmp_path: Path) -> None:
    path = signed(signer, tmp_path / "a.mp4", c2pa.Builder(json.dumps(manifest(CAPTURED, "Camera"))))
    (found,) = provenance_of(path)
    assert (found.generator, found.is_generator, found.verified) == ("Signing Service", False, True)


def test_a_file_that_was_altered_after_signing_does_not_verify(signer: c2pa.Signer, tmp_path: Path) -> None:
    path = signed(signer, tmp_path / "a.mp4", c2pa.Builder(json.dumps(manifest(GENERATED))))
    content = bytearray(path.read_bytes())
    content[content.index(b"mdat") + 400] ^= 1
    path.write_bytes(content)
    (found,) = provenance_of(path)
    assert found == replace(SIGNED, verified=False, detail=f"{SIGNED.detail}; the signature does not hold")


def test_who_edits_a_generated_video_does_not_hide_its_generator(signer: c2pa.Signer, tmp_path: Path) -> None:
    generated = signed(signer, tmp_path / "a.mp4", c2pa.Builder(json.dumps(manifest(GENERATED))))
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["generated"]}}
    edited = c2pa.Builder(
        json.dumps(
            {
                "claim_generator_info": [{"name": "Editor", "version": "2"}],
                "assertions": [{"label": "c2pa.actions", "data": {"actions": [opened]}}],
            }
        )
    )
    ingredient = {"title": "a.mp4", "relationship": "parentOf", "label": "generated"}
    edited.add_ingredient(json.dumps(ingredient), "video/mp4", io.BytesIO(generated.read_bytes()))
    path = signed(signer, tmp_path / "b.mp4", edited, generated.read_bytes())
    (found,) = provenance_of(path)
    assert (found.generator, found.is_generator, found.verified) == ("Sora", True, True)


def test_a_damaged_manifest_is_told_as_such(signer: c2pa.Signer, tmp_path: Path) -> None:
    path = signed(signer, tmp_path / "a.mp4", c2pa.Builder(json.dumps(manifest(GENERATED))))
    content = bytearray(path.read_bytes())
    at = content.index(b"jumb")
    content[at : at + 200] = bytes(200)
    path.write_bytes(content)
    (found,) = provenance_of(path)
    assert (found.is_generator, found.verified, found.detail) == (False, False, "its manifest is damaged")


@pytest.fixture
def visits() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, and what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_a_manifest_that_lies_elsewhere_is_never_fetched(
    signer: c2pa.Signer, tmp_path: Path, visits: tuple[str, list[str]]
) -> None:
    address, asked = visits
    builder = c2pa.Builder(json.dumps(manifest(GENERATED)))
    builder.set_no_embed()
    builder.set_remote_url(f"{address}/manifest.c2pa")
    path = signed(signer, tmp_path / "a.mp4", builder)
    (found,) = provenance_of(path)
    assert (found.is_generator, found.verified) == (False, None)
    assert "was not fetched" in found.detail
    assert asked == []
    # The library's own settings do fetch it: the test would see that.
    with path.open("rb") as file, pytest.raises(c2pa.C2paError):
        c2pa.Reader("video/mp4", file)
    assert asked == ["/manifest.c2pa"]
