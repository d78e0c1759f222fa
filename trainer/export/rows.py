"""Which labels and prompts OpenRLHF can learn from: each is a line of its file, or left out for one reason; no I/O."""

from enum import StrEnum

import orjson
from jinja2 import TemplateError

from selfref.exports import Format, export_as
from selfref.exports.preferences import turns_of
from selfref.messages import Label, Prompt
from trainer.export.rendering import ending_as_said, read_by_openrlhf
from trainer.export.settings import ExportSettings
from trainer.tokens import Tokens

_IMAGE = "<image>"  # which OpenRLHF takes for the place of an image in any prompt


class Reason(StrEnum):
    """Why something is in no file."""

    UNDECIDED = "undecided"  # OpenRLHF's losses know a better and a worse answer only
    TOO_LONG = "too_long"  # it would be cut off
    NOT_RENDERED = "not_rendered"  # the chat template refuses the conversation, and OpenRLHF would end with that
    OTHER_ENDING = "other_ending"  # OpenRLHF would end the answer otherwise than a policy does, where its score stands
    REPEATED = "repeated"  # the prompt is there already
    IMAGE_TAG = "image_tag"  # the prompt speaks of `<image>`, and OpenRLHF would look for one


class Rows:
    """Lines of the files for one tokenizer."""

    def __init__(self, tokens: Tokens, settings: ExportSettings) -> None:
        self.template = ending_as_said(tokens.tokenizer.get_chat_template())
        self._tokens = tokens
        self._settings = settings
        self._export = export_as(Format.OPENRLHF)
        self._asked: set[bytes] = set()

    def preference(self, label: Label) -> bytes | Reason:
        """A decided pair. Raises ModelUnusable where the template suits no policy."""
        if label.chosen is None or label.rejected is None:
            return Reason.UNDECIDED
        try:
            for answer in (label.chosen, label.rejected):
                reason = self._drops(label.prompt, answer)
                if reason is not None:
                    return reason
        except TemplateError:
            return Reason.NOT_RENDERED
        return self._export.write([label])

    def prompt(self, prompt: Prompt) -> bytes | Reason:
        """A prompt, the first time that it is met; one text is the same as the only turn of a user."""
        turns = turns_of(prompt)
        line = orjson.dumps({"prompt": turns}, option=orjson.OPT_APPEND_NEWLINE)
        if line in self._asked:
            return Reason.REPEATED
        self._asked.add(line)
        if any(_IMAGE in turn["content"] for turn in turns):
            return Reason.IMAGE_TAG
        try:
            too_long = len(self._tokens.prompt(turns)) > self._settings.prompt_tokens
        except TemplateError:
            return Reason.NOT_RENDERED
        return Reason.TOO_LONG if too_long else line

    def _drops(self, prompt: Prompt, answer: str) -> Reason | None:
        turns = turns_of(prompt)
        said = [*self._tokens.prompt(turns), *self._tokens.answer(turns, answer)]
        read = read_by_openrlhf(self._tokens.tokenizer, self.template, turns, answer)
        if max(len(said), len(read)) > self._settings.longest:
            return Reason.TOO_LONG
        # An answer's first token may be another: OpenRLHF encodes it together with the prompt.
        return None if read[-2:] == said[-2:] else Reason.OTHER_ENDING
