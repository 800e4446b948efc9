#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write an OCI image layout with something wrong about it.

usage: hostile_image.py CASE DIRECTORY OUTSIDE

OUTSIDE is a directory that no import may ever touch. `hostile_image.py --list` prints the
cases, each with the words that the refusal must contain, separated by a tab.
"""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def file(name, data=b"x", **more):
    return dict(name=name, type=tarfile.REGTYPE, data=data, **more)


def link(name, target):
    return dict(name=name, type=tarfile.SYMTYPE, linkname=target)


def hard(name, target):
    return dict(name=name, type=tarfile.LNKTYPE, linkname=target)


def folder(name):
    return dict(name=name, type=tarfile.DIRTYPE, mode=0o755)


def tar(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as t:
        for e in entries:
            info = tarfile.TarInfo(e["name"])
            info.type = e["type"]
            info.linkname = e.get("linkname", "")
            info.mode = e.get("mode", 0o644)
            info.pax_headers = e.get("pax", {})
            info.uid = e.get("uid", 0)
            data = e.get("data", b"")
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Image:
    """An image layout; every part may be replaced before write()."""

    def __init__(self, *layers):
        self.blobs = {}
        self.tars = [raw if isinstance(raw, bytes) else tar(raw) for raw in layers]
        self.media = LAYER
        self.pack = lambda raw: raw
        self.config_changes = {}
        self.manifest_changes = {}
        self.index_changes = {}
        self.entry_changes = {}
        self.layer_changes = {}
        self.after = lambda directory: None

    def blob(self, data, media):
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"mediaType": media, "digest": "sha256:" + digest, "size": len(data)}

    def json(self, doc, media):
        return self.blob(doc if isinstance(doc, bytes) else json.dumps(doc).encode(), media)

    def write(self, directory):
        layers = [dict(self.blob(self.pack(raw), self.media), **self.layer_changes)
                  for raw in self.tars]
        diff_ids = ["sha256:" + hashlib.sha256(raw).hexdigest() for raw in self.tars]
        config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
                  "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        config.update(self.config_changes)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                    "config": self.json(config, CONFIG), "layers": layers}
        manifest.update(self.manifest_changes)
        entry = dict(self.json(manifest, MANIFEST), **self.entry_changes)
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
        index.update(self.index_changes)
        folder_ = os.path.join(directory, "blobs", "sha256")
        os.makedirs(folder_)
        for digest, data in self.blobs.items():
            with open(os.path.join(folder_, digest), "wb") as f:
                f.write(data)
        with open(os.path.join(directory, "index.json"), "w") as f:
            json.dump(index, f)
        with open(os.path.join(directory, "oci-layout"), "w") as f:
            f.write('{"imageLayoutVersion": "1.0.0"}')
        self.after(directory)


CASES = {}


def case(words):
    def add(make):
        CASES[make.__name__.replace("_", "-")] = (words, make)
        return make
    return add


def layers_case(name, words, *make):
    CASES[name] = (words, lambda out: Image(*[m(out) if callable(m) else m for m in make]))


# ---- layers that try to get out ---------------------------------------------------------
layers_case("dotdot", "contains '..'", [file("../escaped")])
layers_case("dotdot-inside", "contains '..'", [folder("a"), file("a/../../escaped")])
layers_case("dotdot-end", "contains '..'", [folder("..")])
layers_case("absolute", "absolute path", lambda out: [file("/" + out.strip("/") + "/escaped")])
layers_case("link-absolute", "symbolic link", lambda out: [link("a", out), file("a/escaped")])
layers_case("link-relative", "symbolic link",
            [link("a", "../../../../../../../../../../tmp"), file("a/escaped")])
layers_case("link-root", "symbolic link", [link("a", "/"), file("a/escaped")])
layers_case("link-of-link", "symbolic link",
            lambda out: [link("a", "b"), link("b", out), file("a/escaped")])
layers_case("link-to-directory", "symbolic link",
            lambda out: [link("a", out), folder("a/escaped")])
layers_case("link-lower-layer", "symbolic link",
            lambda out: [link("a", out)], [file("a/escaped")])
layers_case("link-lower-layer-deep", "symbolic link",
            lambda out: [link("a", "../../../../../.." + out)], [file("a/b/escaped")])
layers_case("link-loop", "symbolic link", [link("a", "b"), link("b", "a")], [file("a/escaped")])
layers_case("link-parent-proc", "symbolic link",
            [link("a", "/proc/self/cwd")], [file("a/escaped")])
layers_case("hardlink-dotdot", "contains '..'", [hard("a", "../outside")])
layers_case("hardlink-absolute", "absolute path", lambda out: [hard("a", out + "/canary")])
layers_case("hardlink-through-link", "symbolic link",
            lambda out: [link("d", out), hard("a", "d/canary")])
layers_case("hardlink-through-lower-link", "symbolic link",
            lambda out: [link("d", out)], [hard("a", "d/canary"), file("a", b"overwritten")])
layers_case("hardlink-missing", "not in the image", [hard("a", "nowhere")])
layers_case("hardlink-directory", "hard link", [folder("d"), hard("a", "d")])
layers_case("whiteout-dot", "whiteout without a name", [file(".wh..")])
layers_case("whiteout-dotdot", "whiteout without a name", [folder("d"), file("d/.wh...")])
layers_case("whiteout-nothing", "whiteout without a name", [file(".wh.")])
layers_case("whiteout-through-link", "symbolic link",
            lambda out: [link("d", out), file("d/.wh.canary")])
layers_case("whiteout-through-lower-link", "symbolic link",
            lambda out: [link("d", out)], [file("d/.wh.canary")])
layers_case("opaque-through-lower-link", "symbolic link",
            lambda out: [link("d", out)], [file("d/.wh..wh..opq")])
layers_case("parent-is-a-file", "Not a directory", [file("a")], [file("a/b")])
layers_case("root-is-a-file", "the root is not a directory", [file(".//.")])
layers_case("deep", "nested deeper", [folder("/".join(["d"] * 200))])
layers_case("deep-through-links", "nested deeper", [folder("/".join(["d"] * 100)),
                                                    link("l", "/".join(["d"] * 100))],
            [folder("l/" + "/".join(["e"] * 100))])
layers_case("long-name", "too long a name", [file("n" * 300)])
layers_case("long-path", "too long a name", [file("/".join(["n" * 200] * 30))])
layers_case("owner", "out of range", [file("a", pax={"uid": str(1 << 40)})])


# ---- damaged layers ---------------------------------------------------------------------
@case("damaged or truncated")
def gzip_truncated(out):
    image = Image([file("a", os.urandom(100000))])
    image.media += "+gzip"
    image.pack = lambda raw: gzip.compress(raw)[:-5000]
    return image


@case("damaged or truncated")
def tar_truncated(out):
    return Image(tar([file("a", b"x" * 100000)])[:5000])


@case("damaged or truncated")
def not_a_tar(out):
    return Image(b"This is no tar archive. " * 100)


@case("is empty")
def empty_layer(out):
    return Image(b"")


@case("that the config names")
def wrong_diff_id(out):
    image = Image([file("a")])
    image.config_changes = {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}
    return image


@case("absurd")
def sparse_bomb(out):
    info = tarfile.TarInfo("bomb")
    info.size = 8 << 40
    return Image(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024)


# ---- absurd documents -------------------------------------------------------------------
@case("wrong digest")
def wrong_layer_digest(out):
    image = Image([file("a")])

    def spoil(directory):
        for name, data in image.blobs.items():
            if b"ustar" in data:
                with open(os.path.join(directory, "blobs", "sha256", name), "r+b") as f:
                    f.seek(200)
                    f.write(b"spoiled")
    image.after = spoil
    return image


@case("wrong digest")
def wrong_config_digest(out):
    image = Image([file("a")])

    def spoil(directory):
        for name, data in image.blobs.items():
            if b"diff_ids" in data:
                with open(os.path.join(directory, "blobs", "sha256", name), "wb") as f:
                    f.write(data.replace(b"amd64", b"amd46"))
    image.after = spoil
    return image


@case("wrong digest")
def wrong_manifest_digest(out):
    image = Image([file("a")])
    image.entry_changes = {"digest": "sha256:" + "0" * 64}

    def copy(directory):
        blobs = os.path.join(directory, "blobs", "sha256")
        manifest = [d for d in image.blobs.values() if b'"layers": [{' in d][0]
        with open(os.path.join(blobs, "0" * 64), "wb") as f:
            f.write(manifest)
    image.after = copy
    return image


@case("not the announced")
def wrong_size(out):
    image = Image([file("a")])
    image.layer_changes = {"size": 3}
    return image


@case("missing")
def missing_blob(out):
    image = Image([file("a")])
    image.layer_changes = {"digest": "sha256:" + "1" * 64}
    return image


@case("regular file")
def blob_is_a_fifo(out):
    image = Image([file("a")])
    image.layer_changes = {"digest": "sha256:" + "2" * 64}
    image.after = lambda d: os.mkfifo(os.path.join(d, "blobs", "sha256", "2" * 64))
    return image


@case("missing")
def blob_is_a_link_out(out):
    image = Image([file("a")])
    image.layer_changes = {"digest": "sha256:" + "2" * 64}
    image.after = lambda d: os.symlink("/etc/passwd", os.path.join(d, "blobs/sha256", "2" * 64))
    return image


@case("is not supported")
def encrypted_layer(out):
    image = Image([file("a")])
    image.media += "+encrypted"
    return image


@case("is not that of a container image")
def artifact(out):
    image = Image([file("a")])
    image.manifest_changes = {"config": image.blob(b"{}", "application/vnd.oci.empty.v1+json")}
    return image


@case("only sha256")
def sha512(out):
    image = Image([file("a")])
    image.layer_changes = {"digest": "sha512:" + "a" * 128}
    return image


@case("64 lower-case hex digits")
def digest_with_a_path(out):
    image = Image([file("a")])
    image.layer_changes = {"digest": "sha256:../../../../etc/passwd"}
    return image


@case("schema version 1")
def schema_1(out):
    image = Image([file("a")])
    image.manifest_changes = {"schemaVersion": 1}
    return image


@case("at least 0")
def negative_size(out):
    image = Image([file("a")])
    image.layer_changes = {"size": -1}
    return image


@case("are accepted")
def giant_size(out):
    image = Image([file("a")])
    image.layer_changes = {"size": 1 << 60}
    return image


@case("are accepted")
def too_many_layers(out):
    image = Image([file("a")])
    layer = {"mediaType": LAYER, "digest": "sha256:" + "0" * 64, "size": 1}
    image.manifest_changes = {"layers": [layer] * 5000}
    return image


@case("no layers")
def no_layers(out):
    return Image()


@case("names 1 layers, the manifest 2")
def layer_counts_differ(out):
    image = Image([file("a")], [file("b")])
    image.config_changes = {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}
    return image


@case("expected an array")
def diff_ids_of_wrong_type(out):
    image = Image([file("a")])
    image.config_changes = {"rootfs": {"type": "layers", "diff_ids": "none"}}
    return image


@case("expected a string")
def env_of_wrong_type(out):
    image = Image([file("a")])
    image.config_changes = {"config": {"Env": [1, 2]}}
    return image


@case("not for linux/amd64")
def config_of_other_platform(out):
    image = Image([file("a")])
    image.config_changes = {"architecture": "arm64"}
    return image


@case("no image for linux/amd64 (only linux/arm64)")
def index_of_other_platform(out):
    image = Image([file("a")])
    image.entry_changes = {"platform": {"os": "linux", "architecture": "arm64"}}
    return image


@case("choose one with --ref")
def two_images(out):
    image = Image([file("a")])
    other = image.json({"schemaVersion": 2, "other": True}, MANIFEST)
    write = image.write

    def both(directory):
        write(directory)
        path = os.path.join(directory, "index.json")
        with open(path) as f:
            index = json.load(f)
        index["manifests"].append(other)
        with open(path, "w") as f:
            json.dump(index, f)
    image.write = both
    return image


@case("holds no image")
def empty_index(out):
    image = Image([file("a")])
    image.index_changes = {"manifests": []}
    return image


@case("wrong digest")
def cyclic_index(out):
    """An index that names itself: its digest cannot be right."""
    image = Image([file("a")])
    name = "c" * 64
    entry = {"mediaType": INDEX, "digest": "sha256:" + name}

    def cycle(directory):
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [dict(entry, size=0)]}
        size = len(json.dumps(body))
        size += len(str(size)) - 1
        body["manifests"][0]["size"] = size
        with open(os.path.join(directory, "blobs", "sha256", name), "w") as f:
            json.dump(body, f)
        with open(os.path.join(directory, "index.json"), "w") as f:
            json.dump(body, f)
    image.after = cycle
    return image


@case("nested deeper")
def nested_index(out):
    image = Image([file("a")])
    entry = image.json({"schemaVersion": 2, "manifests": []}, INDEX)
    for _ in range(20):
        entry = image.json({"schemaVersion": 2, "manifests": [entry]}, INDEX)
    image.index_changes = {"manifests": [entry]}
    return image


@case("more than 256 image indexes")
def index_tree(out):
    image = Image([file("a")])
    entry = image.json({"schemaVersion": 2, "manifests": []}, INDEX)
    for _ in range(3):
        entry = image.json({"schemaVersion": 2, "manifests": [entry] * 100}, INDEX)
    image.index_changes = {"manifests": [entry]}
    return image


@case("not valid JSON")
def json_bomb(out):
    image = Image([file("a")])
    image.manifest_changes = {"config": image.json(b"[" * 1000000, CONFIG)}
    return image


@case("not valid JSON")
def duplicate_keys(out):
    image = Image([file("a")])
    image.manifest_changes = {"config": image.json(b'{"os":"linux","os":"linux"}', CONFIG)}
    return image


@case("are accepted")
def giant_config(out):
    image = Image([file("a")])
    image.manifest_changes = {"config": image.json(b" " * (9 << 20) + b"{}", CONFIG)}
    return image


@case("longer than 127")
def giant_media_type(out):
    image = Image([file("a")])
    image.media = "application/" + "x" * 100000
    return image


def main():
    if sys.argv[1] == "--list":
        for name, (words, _) in CASES.items():
            print(f"{name}\t{words}")
        return
    name, directory, outside = sys.argv[1:]
    CASES[name][1](outside).write(directory)


main()
