"""People with one number, as stored."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class PersonRow(Base):
    """One person."""

    __tablename__ = "persons_person"

    number: Mapped[str] = mapped_column(String(64), primary_key=True)
    person: Mapped[str] = mapped_column(Text)
    """`Person` as JSON."""
