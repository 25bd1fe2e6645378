"""A mixed project of about 1,000 tasks for `tidemill simulate`: minute, hour, day, week, month, cross-cycle."""

import random

from bench.client import task

SELF = {"Type": "CrossCycleDependsOnSelf"}
# (how many workflows, tasks in each, cron); about 5,000 instances a day in all
SHAPE = [
    (3, 3, "0 */15 0-23 * * ?"),
    (10, 10, "0 {m} 0-23/1 * * ?"),
    (20, 8, "0 {m} 0-23/4 * * ?"),
    (52, 12, "0 {m} {h} * * ?"),
    (6, 10, "0 {m} {h} ? * MON,THU"),
    (5, 10, "0 {m} {h} 1,L * ?"),
]
INSTANCES_A_DAY = 3 * 3 * 96 + 10 * 10 * 24 + 20 * 8 * 6 + 52 * 12 + 6 * 10 + 5 * 10


def workflows(seed=1):
    """(name, cron, tasks, dependencies of the first task) of each, in an order in which they can be created."""
    chance = random.Random(seed)
    made = []
    for kind, (number, size, cron) in enumerate(SHAPE):
        for index in range(number):
            name = f"w{kind}_{index}"
            text = cron.format(m=chance.randrange(60), h=chance.randrange(8))
            tasks = []
            for place in range(size):
                ups = [f"{name}_{chance.randrange(place)}"] if place else []
                if place == 0 and made and chance.random() < 0.6:
                    ups.append(chance.choice(chance.choice(made)[2])["Name"])
                fields = task(f"{name}_{place}", *ups)
                if chance.random() < 0.15:
                    fields["Dependencies"].append(SELF)
                tasks.append(fields)
            made.append((name, text, tasks))
    return made


def fill(api):
    """Create them all; the number of tasks."""
    made = workflows()
    for name, cron, tasks in made:
        trigger = {"Type": "Scheduler", "Cron": cron}
        api.call("CreateWorkflow", ProjectId=10_000, Name=name, Owner="1000", Trigger=trigger, Tasks=tasks)
    return sum(len(tasks) for _, _, tasks in made)
