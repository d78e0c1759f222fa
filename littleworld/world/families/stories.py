"""Two or three sentences about who is where, and a question about one of them. The content is the story."""

from random import Random

from littleworld.world.question import SHORT_ANSWERS, Question

PEOPLE = ("Ann", "Bob", "Carl", "Dora", "Emma", "Fred", "Gina", "Hugo", "Ida", "Jack", "Kate", "Leo")
PLACES = (
    "attic", "bath", "cellar", "garden", "hall", "kitchen", "library", "market", "office", "park", "school", "shop",
)  # fmt: skip

_SENTENCES = ("{who} is in the {place}.", "{who} went to the {place}.", "{who} sits in the {place}.")
_WORDINGS = ("Where is {who}?", "Tell me where {who} is.", "Where can I find {who}?", "In which place is {who}?")


def where(random: Random) -> Question:
    """Where one of two or three people is."""
    number = random.randint(2, 3)
    people, places = random.sample(PEOPLE, number), random.sample(PLACES, number)
    story = " ".join(
        random.choice(_SENTENCES).format(who=who, place=place) for who, place in zip(people, places, strict=True)
    )
    asked = random.randrange(number)
    elsewhere = random.choice([place for place in PLACES if place not in places])
    return Question(
        family="where",
        content=f"{' '.join(people)} {' '.join(places)}",
        text=f"{story} {random.choice(_WORDINGS).format(who=people[asked])}",
        value=places[asked],
        sentences=(f"{people[asked]} is in the {{}}.", *SHORT_ANSWERS),
        near_misses=(*(place for place in places if place != places[asked]), elsewhere),
    )
