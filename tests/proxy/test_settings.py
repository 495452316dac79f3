from pathlib import Path

import pytest

from proxy.settings import SettingsError, load_settings, read_secret

ROOT = Path(__file__).parents[2]


def write(folder: Path, text: str) -> Path:
    path = folder / "maestro.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_example_is_valid_and_gives_the_defaults() -> None:
    example, nothing = load_settings(ROOT / "maestro.example.toml"), load_settings(None)
    assert example.model_copy(update={"upstream": ()}) == nothing


def test_the_example_names_every_setting() -> None:
    text = (ROOT / "maestro.example.toml").read_text("utf-8")
    from proxy.settings import DefaultsSettings, LimitsSettings, ModelSettings, UpstreamSettings
    from proxy.terms import TeamSettings

    for section in (DefaultsSettings, LimitsSettings, ModelSettings, TeamSettings, UpstreamSettings):
        for name in section.model_fields:
            assert name in text, name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nprot = 1", "unknown setting 'server.prot' (did you mean 'port'?)"),
        ("[servre]\nport = 1", "unknown setting 'servre' (did you mean 'server'?)"),
        ('[[upstream]]\nname = "a"\nbase_url = "http://a"\n[[upstream.model]]\nname = "m"\nprice = 1', "model.0.price"),
        ("[server]\nport = 99999", "server.port"),
        ('[[upstream]]\nname = "a"', "exactly one of base_url, gguf, builtin"),
        ('[[upstream]]\nname = "a"\nbase_url = "x"\n[[upstream]]\nname = "a"\nbase_url = "y"', "two upstreams"),
        ("[server", "not valid TOML"),
    ],
)
def test_what_is_wrong_stops_the_start_and_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(write(tmp_path, text))
    assert said in str(error.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(tmp_path / "none.toml")


def test_the_environment_is_stronger_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAESTRO_SERVER__PORT", "9001")
    settings = load_settings(write(tmp_path, '[server]\nport = 1\nhost = "127.0.0.2"'))
    assert (settings.server.port, settings.server.host) == (9001, "127.0.0.2")


def test_a_secret_comes_from_a_variable_or_from_the_file_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", "one")
    (tmp_path / "secret").write_text("two\n", "utf-8")
    monkeypatch.setenv("B_KEY_FILE", str(tmp_path / "secret"))
    assert (read_secret("A_KEY"), read_secret("B_KEY"), read_secret("C_KEY"), read_secret(None)) == (
        "one",
        "two",
        None,
        None,
    )
