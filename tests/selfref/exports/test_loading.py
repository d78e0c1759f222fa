"""What users do with an export: `datasets` loads it, and TRL's RewardTrainer trains on it. No network is asked."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from selfref.exports import Format, export_as
from selfref.messages import Label, Verdict
from tests.selfref.exports.labels import label
from tests.tiny_model.model import write_tiny_model

if TYPE_CHECKING:
    from datasets import Dataset

BLOCK = 10 << 20  # bytes after which `datasets` has chosen the types of a JSON file's columns
CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which is it?"}]
Load = Callable[[Format, list[Label]], "Dataset"]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Export these labels and load the file as a user does; everything it keeps goes to the test's own folder."""
    import datasets

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def loaded(format_: Format, labels: list[Label]) -> "Dataset":
        export = export_as(format_)
        file = tmp_path / f"labels.{format_}"
        file.write_bytes(export.write(labels) + export.close())
        loader = "parquet" if format_ is Format.PARQUET else "json"
        return datasets.load_dataset(loader, data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))

    return loaded


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The machine's cores are for other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("format_", [Format.TRL, Format.OPENRLHF, Format.PARQUET])
def test_types_hold_in_a_long_file_whose_labels_change_their_kind(load: Load, format_: Format) -> None:
    length = 4000
    texts = [label(f"t{index}", prompt="x" * length, probability_a=None) for index in range(BLOCK // length)]
    chats = [label(f"c{index}", prompt=CHAT, margin=1.0, job_id="job", custom_id="mine") for index in range(3)]
    loaded = load(format_, texts + chats)
    assert loaded.num_rows == len(texts) + len(chats)
    assert loaded[0]["prompt"] == [{"role": "user", "content": "x" * length}]
    assert (loaded[-1]["prompt"], loaded[-1]["margin"], loaded[-1]["id"]) == (CHAT, 1.0, "c2")


def test_parquet_tells_verdicts_apart(load: Load) -> None:
    loaded = load(Format.PARQUET, [label(verdict=verdict) for verdict in Verdict])
    assert loaded["verdict"][:] == ["A", "B", "tie", "inconsistent"]
    assert [row is None for row in loaded["chosen"]] == [False, False, True, True]
    assert loaded[2]["answer_a"] == "a good one"


@pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning")  # TRL's own default sets it
@pytest.mark.parametrize("format_", [Format.TRL, Format.PARQUET])
def test_reward_trainer_trains_on_decided_pairs_and_their_margins(
    load: Load, tmp_path: Path, one_thread: None, format_: Format
) -> None:
    from trl import RewardConfig, RewardTrainer

    labels = [
        label("first", margin=0.125),
        label("undecided", verdict=Verdict.TIE, answers=("no one", "none")),
        label("second", verdict=Verdict.B, prompt=CHAT, margin=0.75),
    ]
    dataset = load(format_, labels).filter(lambda row: row["chosen"] is not None)
    write_tiny_model(tmp_path / "model")
    config = RewardConfig(
        output_dir=str(tmp_path / "reward"),
        max_steps=2,
        per_device_train_batch_size=2,
        use_cpu=True,
        bf16=False,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
    )
    trainer = RewardTrainer(model=str(tmp_path / "model"), args=config, train_dataset=dataset)
    (batch,) = trainer.get_train_dataloader()
    texts = [text.replace("</s>", "") for text in trainer.processing_class.batch_decode(batch["input_ids"])]
    assert sorted(zip(texts, texts[2:], batch["margin"].tolist(), strict=False)) == expected()
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    trainer.train()
    assert trainer.state.global_step == 2
    assert all(not torch.equal(value, before[name]) for name, value in trainer.model.named_parameters())


def expected() -> list[tuple[str, str, float]]:
    """What the two decided pairs read like under Llama-2's template: chosen, rejected, margin."""
    system = "<<SYS>>\nBe brief.\n<</SYS>>\n\n"
    first, second = "<s>[INST] Which is it? [/INST] ", f"<s>[INST] {system}Which is it? [/INST] "
    rows: list[Any] = [
        (f"{first}a good one ", f"{first}a bad one ", 0.125),
        (f"{second}a bad one ", f"{second}a good one ", 0.75),
    ]
    return sorted(rows)
