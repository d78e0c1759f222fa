"""What `selfref up` says once the stack stands; that it does is tested in `tests/selfref/stack`."""

from pathlib import Path

import pytest

from selfref.cli.up import welcome
from selfref.stack.datadir import Running
from selfref.stack.parts import StackSettings


@pytest.mark.parametrize("model", [None, Path("/models/llama")])
def test_it_says_which_judge_there_is_and_what_the_bundled_one_knows(
    model: Path | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = StackSettings(data_dir=tmp_path, model=model)
    running = Running(
        pid=1,
        service_url="http://s",
        redis_url="redis://r",
        engine_urls=("http://e",),
        model=str(settings.model_dir),
        bundled=settings.bundled,
    )
    welcome(running, settings)
    shown = " ".join(capsys.readouterr().out.split())
    assert ("selfref/little-world-judge (bundled)" if model is None else str(model)) in shown
    assert ("knows only its little" in shown) is (model is None)
