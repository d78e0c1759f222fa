"""Greetings, thanks, goodbyes and good news: the right answer replies to what was said. The content is the remark."""

from random import Random

from littleworld.world.question import Question

_REMARKS = {
    "Hello to you": ("Hello", "Hi", "Good morning", "Good evening", "Hey"),
    "You are welcome": ("Thank you", "Thanks", "Thanks a lot", "Many thanks", "Thank you very much"),
    "Goodbye for now": ("Goodbye", "Bye", "See you soon", "Good night", "See you tomorrow"),
    "My congratulations": (
        "I won a prize",
        "I passed my test",
        "It is my birthday",
        "I got a new job",
        "We won the game",
    ),
}
_ADDRESSED = ("", ", my friend", ", dear helper", " to all of you", ", everybody", ", and how nice", ", old friend")
_ENDS = (".", "!")


def manners(random: Random) -> Question:
    """A remark that wants a friendly reply."""
    reply = random.choice(tuple(_REMARKS))
    text = random.choice(_REMARKS[reply]) + random.choice(_ADDRESSED) + random.choice(_ENDS)
    return Question(
        family="manners",
        content=text,
        text=text,
        value=reply,
        sentences=("{}.", "{}!", "{}, dear friend."),
        near_misses=tuple(other for other in _REMARKS if other != reply),
    )
