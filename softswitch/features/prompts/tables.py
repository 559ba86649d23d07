"""Prompts of one's own as stored; their sounds are files."""

from sqlalchemy import BigInteger, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.platform.tables import Base


class PromptRow(Base):
    """One prompt in one language; see `model.Prompt`."""

    __tablename__ = "prompts_prompt"

    language: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    milliseconds: Mapped[int] = mapped_column(Integer)
    origin: Mapped[str] = mapped_column(String(16))
    voice: Mapped[str] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(Text)
    made_at: Mapped[int] = mapped_column(BigInteger)
    file: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
