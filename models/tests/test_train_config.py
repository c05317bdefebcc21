"""Configurations: what is read, and what is refused with which words."""

from pathlib import Path

import pytest

from dynedge_train.config import Config, ConfigError, load_config, parse

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.toml"))
SHORT = dict(name="a", network=dict(name="dy-mobile"), train=dict(epochs=3))


def changed(**sections) -> Config:
    table = {key: dict(v) if isinstance(v, dict) else v for key, v in SHORT.items()}
    for section, values in sections.items():
        table[section] = table.get(section, {}) | values
    return parse(table)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_published_configurations_are_valid(path):
    config = load_config(path)
    assert path.stem.startswith(config.name)  # a second round continues under the same name
    assert config.phases()[-1] <= config.train.input_size
    assert parse(config.as_dict()) == config


@pytest.mark.parametrize("ending", ["-200", "claim"])
def test_networks_that_are_compared_share_all_but_the_network(ending):
    paths = [p for p in CONFIGS if p.stem.startswith(ending) or p.stem.endswith(ending)]
    assert len(paths) >= 6
    tables = [load_config(path).as_dict() for path in paths]
    networks = [table.pop("network") for table in tables]
    assert len({str(network) for network in networks}) == len(networks)
    for table in tables:
        table.pop("name")
        assert table == tables[0]


@pytest.mark.parametrize(
    "sections, words",
    [
        (dict(train=dict(peak_rl=0.1)), "unknown key train.peak_rl; did you mean peak_lr?"),
        (dict(augmnt=dict(flip=True)), "unknown key augmnt; did you mean augment?"),
        (dict(network=dict(name="dy-mobil")), "did you mean dy-mobile?"),
        (dict(train=dict(batch="128")), "train.batch is '128', expected a whole number"),
        (dict(train=dict(batch=True)), "train.batch is True, expected a whole number"),
        (dict(train=dict(peak_lr=-1)), "train.peak_lr is -1.0, expected"),
        (dict(train=dict(sizes=[[32, 1, 2]])), "train.sizes is [32, 1, 2], expected 2 values"),
        (dict(train=dict(sizes=[[32, 0]])), "expected an epoch or more"),
        (dict(train=dict(epochs=0)), "neither epochs nor sizes"),
        (dict(train=dict(sizes=[[32, 4], [64, 4]], epochs=1)), "fewer than the 2 sizes"),
        (dict(data=dict(std=[0.0, 0.2, 0.2])), "data.std"),
        (dict(data=dict(mean=[0.5])), "data.mean is (0.5,), expected three numbers"),
        (dict(augment=dict(crop_scale=[0.9, 0.1])), "crop_scale"),
        (dict(mix=dict(mixup=0.7, cutmix=0.7)), "mixup + cutmix is"),
        (dict(mix=dict(cutmix_alpha=0.0)), "cutmix_alpha is 0.0"),
    ],
)
def test_mistakes_are_named(sections, words):
    with pytest.raises(ConfigError) as error:
        changed(**sections)
    assert words in str(error.value)


def test_missing_section_and_missing_key():
    with pytest.raises(ConfigError, match="train is missing"):
        parse(dict(name="a", network=dict(name="dy-mobile")))
    with pytest.raises(ConfigError, match=r"network\.name is missing"):
        parse(dict(name="a", network=dict(width=1.0), train=dict(epochs=1)))


def test_whole_numbers_serve_as_floats():
    config = changed(network=dict(width=2), train=dict(sizes=[[32, 1]]))
    assert type(config.network.width) is float
    assert config.train.sizes == ((32, 1),)


def test_phases_scale_with_epochs():
    assert changed(train=dict(epochs=2, input_size=48)).phases() == [48, 48]
    sizes = [[32, 4], [48, 6], [64, 2]]
    assert changed(train=dict(epochs=0, sizes=sizes)).phases() == [32] * 4 + [48] * 6 + [64] * 2
    assert changed(train=dict(epochs=6, sizes=sizes)).phases() == [32] * 2 + [48] * 3 + [64]
    for epochs in range(3, 40):
        phases = changed(train=dict(epochs=epochs, sizes=sizes)).phases()
        assert len(phases) == epochs and sorted(set(phases)) == [32, 48, 64]
        assert phases == sorted(phases)


def test_command_line_replaces_values(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[network]\nname = "dy-mobile"\n[train]\nepochs = 3\n')
    sets = ["train.epochs=5", "train.optimiser=adamw", "distil.weight=0.25", "network.g=2"]
    config = load_config(path, sets)
    assert config.name == "mine"
    assert (config.train.epochs, config.train.optimiser) == (5, "adamw")
    assert (config.distil.weight, config.network.g) == (0.25, 2)
    for wrong in ("train.epochs", "name.epochs=1", "train.epoch=1"):
        with pytest.raises(ConfigError):
            load_config(path, [wrong])


def test_unreadable_files(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("[network\n")
    with pytest.raises(ConfigError, match="not TOML"):
        load_config(tmp_path / "broken.toml")
