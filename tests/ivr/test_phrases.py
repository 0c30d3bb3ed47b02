"""The built-in sentences and the prompts made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr import phrases
from ivr.announcements import QueueVoice
from ivr.prompts import Prompt
from ivr.speech import MAX_TEXT, VOICES


@pytest.mark.parametrize("language", phrases.LANGUAGES)
@pytest.mark.parametrize("name", ["welcome", "invalid", "next", "soon", "recorded"])
def test_every_sentence_exists_in_every_language(name: str, language: str) -> None:
    prompt = phrases.phrase(name, language)
    assert prompt.text
    assert prompt.language == language
    assert "{" not in prompt.text


def test_there_is_a_voice_for_every_language() -> None:
    assert set(phrases.LANGUAGES) == set(VOICES)


def test_an_unknown_language_speaks_english() -> None:
    assert phrases.phrase("next", "xx") == phrases.phrase("next", "en")


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_a_position_has_its_number_in_it_and_the_first_is_next(language: str) -> None:
    assert "17" in (phrases.position(17, language).text or "")
    assert phrases.position(1, language) == phrases.position(0, language) == phrases.phrase("next", language)


@pytest.mark.parametrize(
    ("seconds", "language", "ending"),
    [
        (0, "en", "less than a minute."),
        (59.9, "en", "less than a minute."),
        (60, "en", "about 1 minute."),
        (61, "en", "about 2 minutes."),
        (60, "ru", "около 1 минуты."),
        (11 * 60, "ru", "около 11 минут."),
        (21 * 60, "ru", "около 21 минуты."),
        (60, "el", "ένα λεπτό."),
        (120, "el", "2 λεπτά."),
        (60, "ro", "un minut."),
        (19 * 60, "ro", "19 minute."),
        (20 * 60, "ro", "20 de minute."),
        (101 * 60, "ro", "101 minute."),
        (300, "zh", "5分钟。"),
    ],
)
def test_the_wait_is_said_in_whole_minutes_with_the_right_form_of_the_word(
    seconds: float, language: str, ending: str
) -> None:
    assert (phrases.wait(seconds, language).text or "").endswith(ending)


@given(st.integers(-5, 10**6), st.floats(0, 10**7), st.sampled_from([*phrases.LANGUAGES, "xx"]))
def test_no_number_is_too_large_or_too_small_to_be_said(place: int, seconds: float, language: str) -> None:
    voice = QueueVoice(language=language)
    for prompt in (voice.position(place), voice.wait(seconds)):
        assert prompt.text
        assert "{" not in prompt.text
        assert len(prompt.text) < MAX_TEXT


@pytest.mark.parametrize("wrong", [{}, {"text": "Hello.", "file": "hello.wav"}])
def test_a_prompt_is_either_a_text_or_a_file(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either a text or a file"):
        Prompt(**wrong)
