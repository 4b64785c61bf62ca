from headwater.services.latest import Latest


def test_what_was_not_asked_for_longest_makes_room() -> None:
    made: list[str] = []

    def asked(kept: Latest[str], key: str) -> str:
        def make() -> str:
            made.append(key)
            return key.upper()

        return kept.get(key, make)

    kept: Latest[str] = Latest(2)
    assert [asked(kept, key) for key in "abacab"] == list("ABACAB")
    assert made == ["a", "b", "c", "b"]
