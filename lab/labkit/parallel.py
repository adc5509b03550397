"""Doing the same to several hosts at once."""
import concurrent.futures

from labkit import report


def for_each(items, function):
    """Calls function(item) for all items at once; gives the results in order, raises the first error after all ended."""
    items = list(items)
    listener = report.listener()

    def call(item):
        report.listen(listener)
        return function(item)

    with concurrent.futures.ThreadPoolExecutor(max(1, len(items))) as pool:
        return [future.result() for future in [pool.submit(call, item) for item in items]]
