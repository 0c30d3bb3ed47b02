from softswitch.sip.tag import TAG_LENGTH, make_tag


def test_no_two_tags_are_alike() -> None:
    tags = [make_tag() for _ in range(2000)]
    assert len(set(tags)) == len(tags)


def test_a_tag_is_a_token_of_hexadecimal_digits() -> None:
    for _ in range(1000):
        tag = make_tag()
        assert len(tag) == TAG_LENGTH
        assert set(tag) <= set("0123456789abcdef")
