"""What the API says of many instances, and figures of many values."""

from datetime import UTC, datetime, timedelta


def bizdate(days_ago=1):
    """Epoch milliseconds of a business date, for a server whose zone is UTC; that of today's instances is yesterday."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((day - timedelta(days=days_ago)).timestamp() * 1000)


def instances(api, **asked):
    """All task instances of today that match, page by page."""
    found, page = [], 1
    while True:
        answer = api.call("ListTaskInstances", ProjectId=10_000, Bizdate=bizdate(), PageSize=500, PageNumber=page,
                          **asked)["PagingInfo"]  # fmt: skip
        found += answer["TaskInstances"]
        if len(found) >= answer["TotalCount"]:
            return found
        page += 1


def count(api, **asked):
    answer = api.call("ListTaskInstances", ProjectId=10_000, Bizdate=bizdate(), PageSize=1, **asked)
    return answer["PagingInfo"]["TotalCount"]


def percentiles(values):
    """In the unit of the values."""
    ordered = sorted(values)
    return {
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        "max": ordered[-1],
        "number": len(ordered),
    }
