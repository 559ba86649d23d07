"""Voicemail."""

import secrets

from softswitch.answers import Answers, MailboxLamps
from softswitch.features.voicemail.boxes import Boxes
from softswitch.features.voicemail.files import DiskFiles
from softswitch.features.voicemail.mailing import Mailing
from softswitch.features.voicemail.retention import Retention
from softswitch.features.voicemail.service import Voicemail
from softswitch.features.voicemail.store import VoicemailStore
from softswitch.platform.users import PinHashes
from softswitch.wiring.accounts import Accounts
from softswitch.wiring.ground import Ground
from softswitch.wiring.people import People
from softswitch.wiring.sound import Sound


class Mailboxes:
    def __init__(self, ground: Ground, accounts: Accounts, people: People, sound: Sound, answers: Answers) -> None:
        settings, publish = ground.settings, ground.bus.publish
        pins, stored = PinHashes(), VoicemailStore(ground.database)
        self.boxes = Boxes(stored, pins, accounts.directory, answers)
        accounts.reach.boxes = self.boxes.unanswered
        self.voicemail = Voicemail(
            self.boxes,
            stored,
            DiskFiles(settings.data_dir),
            MailboxLamps(people.presence, ground.database),
            pins,
            ground.clock,
            publish,
            lambda: secrets.token_hex(8),
            mails=settings.mail.server is not None,
        )
        accounts.directory.goes_with(self.voicemail.forget)
        self.mailing = (
            Mailing(self.voicemail, people.mailer, publish, sound.speech) if people.mailer is not None else None
        )
        self.retention = Retention(self.voicemail, ground.audit)
