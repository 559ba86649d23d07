"""How people with one number join the switch."""

from softswitch.feature import Feature
from softswitch.features.persons.api import build_router
from softswitch.features.persons.call_app import person_app, person_setting_app
from softswitch.features.persons.needs import Phones, Ways
from softswitch.features.persons.service import Persons
from softswitch.platform.database import Database


def build(persons: Persons, phones: Phones, ways: Ways, database: Database) -> Feature:
    """Takes the calls for `person/NUMBER` and `person-setting/NAME:VALUE`. `persons.load(database)` is to be awaited
    before the first."""
    return Feature(
        "persons",
        call_apps={
            "person": person_app(persons, phones, ways),
            "person-setting": person_setting_app(persons, database),
        },
        router=build_router(persons),
    )
