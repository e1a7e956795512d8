"""The configuration's section `retry`, ready to be used."""

import os
from collections.abc import Mapping
from typing import Any

from relay.actions.base import Action
from relay.config import Config
from relay.config.retry import FLAKY, Retry, RetryDefaults, RetryRule, Way
from relay.judging import RetryTerms
from relay.policy import NEVER, RULES, Breakers, Budgets, Mode, Policy, Rate, Rule, as_match


def retry_terms_of(settings: Config, environ: Mapping[str, str] | None = None) -> RetryTerms | None:
    """None when nothing is to be judged."""
    retry = settings.retry
    if retry is None or retry.mode is Mode.OFF:
        return None
    known = os.environ if environ is None else environ
    classes = settings.signatures.classes
    return RetryTerms(
        mode=retry.mode,
        policy=_policy(retry),
        explore=retry.explore,
        keys=settings.defaults.state.key,
        trunk=settings.defaults.trunk,
        ignore=settings.defaults.state.ignore_status,
        priors={name: each.passes for name, each in classes.items() if each.passes is not None},
        spared=retry.costs.spared,
        late=retry.costs.late,
        credit=retry.costs.credit,
        credits_per_minute=retry.costs.credits_per_minute,
        yields=retry.yield_to_circleci,
        is_off=_switched_off(retry.breakers.kill_switch.env, known),
    )


def judged_actions(actions: Mapping[str, Action]) -> frozenset[str]:
    """Those that the policy decides on."""
    return frozenset(name for name, each in actions.items() if getattr(each, "policy", None) == FLAKY)


def _policy(retry: Retry) -> Policy:
    never = NEVER if retry.never is None else retry.never
    rules = (
        map(_shipped, RULES) if retry.rules is None else (_rule(each, retry.defaults) for each in retry.rules)
    )
    return Policy(
        rules=tuple(rules),
        never=tuple(map(as_match, never)),
        budgets=_budgets(retry),
        breakers=_breakers(retry),
        expect_passes=retry.defaults.expect_passes,
        forks=retry.forks,
    )


def _shipped(written: Mapping[str, Any]) -> Rule:
    return Rule(
        id=written["id"],
        when=as_match(written["when"]),
        retry=written["do"]["retry"],
        delay=written["do"]["delay"],
    )


def _switched_off(name: str, environ: Mapping[str, str]) -> str | None:
    return f"{name} is set" if environ.get(name, "0") not in ("", "0") else None


def _rule(written: RetryRule, defaults: RetryDefaults) -> Rule:
    way = written.do.mode or defaults.mode
    return Rule(
        id=written.id,
        when=as_match(written.when),
        retry=written.do.retry,
        delay=defaults.delay if written.do.delay is None else written.do.delay,
        from_start=way is Way.WHOLE,
        only_noted=way is Way.NONE,
        note=written.do.note or written.label,
        expect_passes=written.expect_passes,
    )


def _budgets(retry: Retry) -> Budgets:
    budgets, hour = retry.budgets, retry.budgets.per_hour
    return Budgets(
        per_build=budgets.per_build,
        per_commit=budgets.per_commit,
        per_branch=Rate(count=budgets.per_branch.count, per=budgets.per_branch.per),
        hour_ratio=hour.ratio,
        hour_floor=hour.floor,
        hour_cap=hour.cap,
        minutes_day=budgets.minutes.day,
        minutes_month=budgets.minutes.month,
    )


def _breakers(retry: Retry) -> Breakers:
    many, outage, low = (
        retry.breakers.too_many_failures,
        retry.breakers.outage,
        retry.breakers.low_yield,
    )
    return Breakers(
        jobs=many.jobs,
        tests=many.tests,
        outage_projects=outage.projects,
        outage_builds=outage.builds,
        outage_within=outage.within,
        outage_pause=outage.hold,
        yield_window=low.window,
        yield_share=low.max_success,
        yield_open=low.open,
    )


def fetched_for(terms: RetryTerms | None) -> frozenset[str]:
    """What has to be asked of CircleCI about each failure that is judged."""
    return frozenset({"failure", "failed_jobs"}) if terms else frozenset[str]()
