"""A text being written: one ticket's row in the batch, its tokens so far, and when it is finished."""

import numpy as np
import torch

from engine.prefix_cache import Tokens
from engine.request import Chosen, FinishReason, Ticket
from engine.sampling import TokenChooser
from engine.tokens import TokenTexts, Vocabulary


class Text:
    """What the model thread knows about one request between steps."""

    def __init__(self, ticket: Ticket, *, vocabulary: Vocabulary, device: torch.device) -> None:
        job = ticket.job
        self.ticket = ticket
        self.history = list(job.prompt)
        self.chooser = TokenChooser(job.sampling, grammar=job.grammar, device=device)
        self._stop = StopWatch(job.stop, texts=TokenTexts(vocabulary, job.prompt)) if job.stop else None

    @property
    def most_tokens(self) -> int:
        """Columns that this text may come to need in the batch."""
        return len(self.ticket.job.prompt) + self.ticket.job.max_new_tokens

    def tokens(self, length: int) -> Tokens:
        """The first `length` tokens, prompt included."""
        return np.array(self.history[:length], dtype=np.int64)

    def accept(self, chosen: Chosen, *, eos_ids: frozenset[int]) -> FinishReason | None:
        """Add a token; says whether the text is finished, and why. Length is looked at before EOS, as TGI does."""
        self.history.append(chosen.id)
        self.ticket.tokens.append(chosen)
        stopped = self._stop is not None and self._stop.push(chosen.id)
        if len(self.ticket.tokens) >= self.ticket.job.max_new_tokens:
            return "length"
        if chosen.id in eos_ids:
            return "eos_token"
        return "stop_sequence" if stopped else None


class StopWatch:
    """Whether a text ends with a stop sequence after a token, as TGI looks for it: at the very end, and only there."""

    def __init__(self, stop: tuple[str, ...], *, texts: TokenTexts) -> None:
        self._stop = stop
        self._texts = texts
        self._longest = max(map(len, stop))
        self._tail = ""

    def push(self, token: int) -> bool:
        """Add a token; True where a stop sequence has just been completed."""
        self._tail = (self._tail + self._texts.push(token))[-self._longest :]
        return self._tail.endswith(self._stop)
