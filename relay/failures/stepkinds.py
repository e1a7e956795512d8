"""What a step is for, by its name."""

import re

from relay.failures.record import StepKind

# In the order in which they are tried: "Upload test results" is about uploading, "Install test tools" about
# installing.
_WORDS: tuple[tuple[StepKind, str], ...] = (
    (
        StepKind.POST,
        r"\bupload|\bstor(?:e|ing)[ _](?:artifacts?|test)|\bsav(?:e|ing)[ _]cache|\bpersist"
        r"|\bnotif(?:y|ication)|\bslack\b|\bcodecov\b|\bcoveralls\b|\btear ?down|\bclean ?up"
        r"|\bcollect (?:logs|artifacts)|\bon[ _]fail",
    ),
    (StepKind.CHECKOUT, r"\bcheck ?out\b|\bclone\b|\bgit fetch|\bsubmodules?\b"),
    (StepKind.CACHE, r"\brestor(?:e|ing)[ _]cache|\battach(?:ing)?[ _]workspace|\bcaches?\b"),
    (
        StepKind.SETUP,
        r"\bspin up|\bprepar(?:e|ing) environment|\bset ?up\b|\bsetup_remote_docker|\btask lifecycle"
        r"|\bstart(?:ing)? (?:the )?(?:services?|containers?|database)|^container ",
    ),
    (
        StepKind.DEPLOY,
        r"\bdeploy|\breleas|\bpublish|\bpush(?:ing)?\b|\bterraform apply|\bmigrat|\bpromot|\brollout",
    ),
    (
        StepKind.DEPS,
        r"\binstall|\bdependenc|\bdeps\b|\bnpm ci\b|\bbundle\b(?! exec)|\bgo mod\b"
        r"|\bpoetry lock|\bapt(?:-get)?\b",
    ),
    (
        StepKind.TEST,
        r"test|\bspecs?\b|\brspec\b|\be2e\b|\bcypress\b|\bplaywright\b|\bjest\b|\blint|\bcheck\b",
    ),
    (StepKind.BUILD, r"\bbuild|\bcompil|\bmake\b|\bwebpack\b|\bassembl|\bbundl|\bpackag|\bdocker\b"),
)
LONGEST_NAME = 200  # characters looked at; a step without a name is called by its whole command


def kind_of(step: str) -> StepKind:
    name = step[:LONGEST_NAME].lower()
    return next((kind for kind, words in _WORDS if re.search(words, name)), StepKind.OTHER)
