"""Where several processes train one model (`accelerate launch`): one of them writes, and each takes its share."""

from accelerate import PartialState


def leading() -> bool:
    """True in the one process that writes and speaks, and wherever there is only one."""
    return bool(PartialState().is_main_process)


def sharing() -> int:
    """How many processes there are."""
    return int(PartialState().num_processes)
