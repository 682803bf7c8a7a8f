"""The cache of answers keeps what is used and never grows beyond its bound."""

from concurrent.futures import ThreadPoolExecutor

from gatehouse._bounded_cache import BoundedCache


def test_what_was_not_used_for_longest_is_forgotten() -> None:
    cache: BoundedCache[int] = BoundedCache(2)
    cache.put(b"a", 1)
    cache.put(b"b", 2)
    assert cache.get(b"a") == 1
    cache.put(b"c", 3)
    assert [cache.get(key) for key in (b"a", b"b", b"c")] == [1, None, 3]
    cache.put(b"a", 4)
    assert [cache.get(key) for key in (b"a", b"c")] == [4, 3]


def test_threads_do_not_break_the_bound() -> None:
    cache: BoundedCache[int] = BoundedCache(50)

    def use(thread: int) -> None:
        for number in range(2000):
            cache.put(f"{thread} {number}".encode(), number)
            cache.get(f"{thread} {number - 10}".encode())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, range(8)))
    kept = [cache.get(f"{t} {n}".encode()) for t in range(8) for n in range(2000)]
    assert len([value for value in kept if value is not None]) == 50
