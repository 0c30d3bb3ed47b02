"""The built-in sentences in the five languages, for whatever the configuration leaves unsaid."""

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType

from ivr.prompts import Prompt

LANGUAGES = ("en", "ru", "el", "ro", "zh")
DEFAULT = "en"

_SENTENCES: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "welcome": {
        "en": "Welcome. Please hold the line, the first free operator will answer.",
        "ru": "Здравствуйте. Оставайтесь на линии, вам ответит первый освободившийся оператор.",
        "el": "Καλώς ήρθατε. Παρακαλώ περιμένετε, θα σας απαντήσει ο πρώτος διαθέσιμος εκπρόσωπος.",
        "ro": "Bun venit. Vă rugăm să rămâneți pe linie, primul operator liber vă va răspunde.",
        "zh": "您好，请不要挂机，我们将尽快为您接通。",
    },
    "invalid": {
        "en": "That is not a valid choice.",
        "ru": "Неверный выбор.",
        "el": "Η επιλογή δεν είναι έγκυρη.",
        "ro": "Opțiunea nu este validă.",
        "zh": "您的选择无效。",
    },
    "next": {
        "en": "You are next in the queue.",
        "ru": "Вы первый в очереди.",
        "el": "Είστε ο επόμενος στην ουρά.",
        "ro": "Sunteți primul la rând.",
        "zh": "您是下一位。",
    },
    "position": {
        "en": "You are number {n} in the queue.",
        "ru": "Ваш номер в очереди: {n}.",
        "el": "Η θέση σας στην ουρά είναι {n}.",
        "ro": "Sunteți pe locul {n} la rând.",
        "zh": "您排在第{n}位。",
    },
    "soon": {
        "en": "You will be waiting less than a minute.",
        "ru": "Время ожидания меньше минуты.",
        "el": "Ο χρόνος αναμονής είναι λιγότερο από ένα λεπτό.",
        "ro": "Timpul de așteptare este mai mic de un minut.",
        "zh": "等待时间不到一分钟。",
    },
    "recorded": {
        "en": "This call may be recorded.",
        "ru": "Разговор может быть записан.",
        "el": "Η κλήση μπορεί να ηχογραφηθεί.",
        "ro": "Această convorbire poate fi înregistrată.",
        "zh": "本次通话可能会被录音。",
    },
    "not_recorded": {
        "en": "This call is not recorded.",
        "ru": "Разговор не записывается.",
        "el": "Η κλήση δεν ηχογραφείται.",
        "ro": "Această convorbire nu este înregistrată.",
        "zh": "本次通话不会被录音。",
    },
})  # fmt: skip

_WAIT: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "en": ("The waiting time is about {n} minute.", "The waiting time is about {n} minutes."),
    "ru": ("Время ожидания около {n} минуты.", "Время ожидания около {n} минут."),
    "el": ("Ο χρόνος αναμονής είναι περίπου ένα λεπτό.", "Ο χρόνος αναμονής είναι περίπου {n} λεπτά."),
    "ro": (
        "Timpul de așteptare este de aproximativ un minut.",
        "Timpul de așteptare este de aproximativ {n} minute.",
        "Timpul de așteptare este de aproximativ {n} de minute.",
    ),
    "zh": ("等待时间大约{n}分钟。",),
})  # fmt: skip


def phrase(name: str, language: str) -> Prompt:
    """Give one of the sentences without a number in it: welcome, invalid, next, soon, recorded."""
    language = _known(language)
    return Prompt(text=_SENTENCES[name][language], language=language)


def position(place: int, language: str) -> Prompt:
    """Tell a caller his place in the queue; 1 is next."""
    if place <= 1:
        return phrase("next", language)
    language = _known(language)
    return Prompt(text=_SENTENCES["position"][language].format(n=place), language=language)


def wait(seconds: float, language: str) -> Prompt:
    """Tell a caller how long it will take, in minutes rounded up."""
    if seconds < 60:
        return phrase("soon", language)
    language = _known(language)
    minutes = ceil(seconds / 60)
    form = min(_plural(language, minutes), len(_WAIT[language]) - 1)
    return Prompt(text=_WAIT[language][form].format(n=minutes), language=language)


def _plural(language: str, n: int) -> int:
    """Choose the form of a noun after a number, as the Unicode plural rules have it for these sentences."""
    if language == "ru":
        return 0 if n % 10 == 1 and n % 100 != 11 else 1
    if n == 1:
        return 0
    return 2 if language == "ro" and (n % 100 >= 20 or n % 100 == 0) else 1


def _known(language: str) -> str:
    return language if language in LANGUAGES else DEFAULT
