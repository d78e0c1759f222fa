"""Chat messages to prompt text by the model's own chat template, as text-generation-inference renders it.

Where the last message is the assistant's, the model continues it: the rendering is cut after the last occurrence of
that message, and trailing white space is dropped (router/src/infer/mod.rs).
"""

from collections.abc import Sequence

from jinja2 import TemplateError

from engine.chat_wire import ChatMessage
from engine.errors import TemplateFailed
from engine.tokens import Vocabulary


def render(vocabulary: Vocabulary, messages: Sequence[ChatMessage]) -> str:
    """The prompt. Raises TemplateFailed where there is no template or it refuses the messages."""
    if not vocabulary.tokenizer.chat_template:
        raise TemplateFailed("template not found")
    if not messages:
        raise TemplateFailed("invalid operation: `messages` is empty")
    turns = [{"role": message.role, "content": message.text} for message in messages]
    try:
        text: str = vocabulary.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    except TemplateError as error:
        raise TemplateFailed(f"syntax error: {error}") from error
    last = messages[-1]
    if last.role == "assistant":
        found = text.rfind(last.text)
        text = (text if found < 0 else text[: found + len(last.text)]).rstrip()
    return text
