"""Where several processes train one model: one of them writes, and each takes its share.

`accelerate launch` starts them on GPUs. On a CPU it starts one, whatever it is told; there it takes `torchrun`.
"""

import torch
from accelerate import PartialState


def state() -> PartialState:
    """Who this process is among them; the first call meets the others."""
    return PartialState(cpu=not torch.cuda.is_available())


def leading() -> bool:
    """True in the one process that writes and speaks, and wherever there is only one."""
    return bool(state().is_main_process)


def sharing() -> int:
    """How many processes there are."""
    return int(state().num_processes)
