"""Configurations with something wrong, and the sentences about it: (name, YAML, problems)."""

from __future__ import annotations

GOOD = "sources: [{type: anthropic, account: acme, admin_key_env: KEY}]\n"
KEY = "sk-ant-admin01-canary-0123456789abcdef"
"""What the variable KEY holds."""


def source(more="", start="type: anthropic, account: acme, admin_key_env: KEY"):
    """Return a configuration with one source."""
    return f"sources: [{{{start}{more and ', '}{more}}}]\n"


def override(text):
    """Return a good configuration with one override."""
    return f"{GOOD}prices: {{overrides: [{{{text}}}]}}\n"


def subscription(text="", start="provider: anthropic, plan: team, price_usd: 30"):
    """Return a good configuration with one subscription."""
    return f"{GOOD}subscriptions: [{{{start}{text and ', '}{text}}}]\n"


def budget(text="", start="name: all, amount_usd: 500", sources=GOOD):
    """Return a configuration with one budget."""
    return f"{sources}budgets: [{{{start}{text and ', '}{text}}}]\n"


def credit(text):
    """Return a good configuration with one top-up."""
    return f"{GOOD}credits: [{{{text}}}]\n"


def whatif(*pairs):
    """Return a good configuration with models to compare."""
    items = ", ".join(f"{{from_model: {one}, to_model: {other}}}" for one, other in pairs)
    return f"{GOOD}routing_whatif: [{items}]\n"


DOCUMENTS = [
    ("empty", "", "config: expected a mapping with sources, found nothing"),
    ("only a comment", "# nothing yet\n", "config: expected a mapping with sources, found nothing"),
    ("a list", "[1]", "config: expected a mapping with sources, found the list [1]"),
    ("a text", "hello", "config: expected a mapping with sources, found the str 'hello'"),
    ("not YAML", "sources: [", "line 1, column 11: expected the node content"),
    ("a tab", "sources:\n\t- 1\n", "line 2, column 1: found character '\\t' that cannot start"),
    ("two documents", f"{GOOD}---\n{GOOD}", "line 2, column 1: but found another document"),
    ("a tag", "sources: !!python/object:os.system x", "line 1, column 10: could not determine a constructor"),
    ("a wrong tag", "series_cap: !!int x", "YAML: invalid literal for int() with base 10: 'x'"),
    ("a control character", "sources: \x01", "YAML: unacceptable character #x0001"),
    ("an alias of nothing", "sources: *x", "line 1, column 10: found undefined alias 'x'"),
    ("deep nesting", "[" * 5000, "YAML: maximum recursion depth exceeded"),
]  # fmt: skip

PROBLEMS = [
    # keys and their types
    ("a key twice", f"{GOOD}time_zone: UTC\ntime_zone: UTC\n", "line 3, column 1: time_zone is given twice"),
    ("unknown key", GOOD + "timezone: UTC", "timezone: unknown key; did you mean time_zone?"),
    ("nothing alike", GOOD + "zzz: 1", "zzz: unknown key; known: sources, ledger, status_file, scrape_interval"),
    ("a number as key", GOOD + "7: 1", "7: unknown key; known: sources"),
    ("unknown in a block", GOOD + "ledger: {uri: x}", "ledger.uri: unknown key; did you mean url?"),
    ("unknown in a source", source("poll_intervall: 60s"), "sources[0].poll_intervall: unknown key; did you mean poll_interval?"),
    ("a plain key's place", source("admin_key: abc"), "sources[0].admin_key: unknown key; keys do not belong in this file: write where the key is, as admin_key_file, admin_key_env or admin_key_command"),
    ("a factor in percent", override("factor: 85"), "prices.overrides[0].factor: 85 is more than 10; 0.85 is a discount of 15 %"),
    ("unknown in an override", override("factor: 0.9, modell: x"), "prices.overrides[0].modell: unknown key; did you mean model?"),
    ("no sources", "time_zone: UTC", "sources: missing; write sources: [{'type': 'anthropic'"),
    ("sources empty", "sources: []", "sources: at least one is needed; `claude-cost-exporter demo` needs none"),
    ("sources null", "sources:", "sources: is empty; give a list of blocks or leave the key out"),
    ("sources a mapping", "sources: {type: anthropic}", "sources: expected list of blocks, found {'type': 'anthropic'}"),
    ("a source is a text", "sources: [acme]", "sources[0]: expected a mapping, found 'acme'"),
    ("a block is a text", GOOD + "ledger: x.db", "ledger: expected a mapping, found 'x.db'"),
    ("a block is empty", GOOD + "prices:", "prices: is empty; give a block or leave the key out"),
    ("overrides a mapping", GOOD + "prices: {overrides: {factor: 1}}", "prices.overrides: expected list of blocks, found {'factor': 1}"),
    ("an override is a number", GOOD + "prices: {overrides: [0.9]}", "prices.overrides[0]: expected a mapping, found 0.9"),
    ("a list for a number", GOOD + "series_cap: [1]", "series_cap: expected whole number, found [1]"),
    ("a fraction", GOOD + "series_cap: 1.5", "series_cap: expected whole number, found 1.5"),
    ("a bool for a number", GOOD + "series_cap: true", "series_cap: expected whole number, found True"),
    ("too few", GOOD + "series_cap: 0", "series_cap: expected whole number >= 1, found 0"),
    ("a number for text", GOOD + "time_zone: 1", "time_zone: expected text, found 1; put it in quotes"),
    ("true for text", source(start="type: anthropic, account: true, admin_key_env: KEY"), "sources[0].account: expected text, found True; put it in quotes"),
    ("a very long value", GOOD + f"series_cap: {'x' * 500}", f"series_cap: expected whole number, found '{'x' * 59}…"),
    ("a list in itself", GOOD + "series_cap: &a [*a]", "series_cap: expected whole number, found [[...]]"),
    # durations
    ("no unit", GOOD + "scrape_interval: 15", "scrape_interval: '15' is not a duration; write 60s, 15m, 1h30m or 90d"),
    ("a word", GOOD + "scrape_interval: often", "scrape_interval: 'often' is not a duration"),
    ("a fraction of an hour", source("history: 1.5h"), "sources[0].history: '1.5h' is not a duration"),
    ("a negative duration", source("history: -1d"), "sources[0].history: '-1d' is not a duration"),
    ("a space", source("history: 1 d"), "sources[0].history: '1 d' is not a duration"),
    ("beyond the calendar", source("history: 999999999w"), "sources[0].history: '999999999w' is longer than any calendar; write 90d or 3650d"),
    ("longer than the API exists", source("history: 3651d"), "sources[0].history: 3651d is not between 0d and 3650d; write 90d"),
    ("an interval of 0", GOOD + "scrape_interval: 0s", "scrape_interval: 0s is not more than 0s and at most 1d; write 15s"),
    ("an interval of 2 days", GOOD + "scrape_interval: 2d", "scrape_interval: 2d is not more than 0s and at most 1d; write 15s"),
    ("a hold below the interval", GOOD + "{scrape_interval: 1m, new_series_hold: 59s}"[1:-1].replace(", ", "\n"), "new_series_hold: 59s is not between the scrape_interval of 1m and 1d; a scrape must see the 0: leave it out for 2m30s"),
    ("a hold of 0", GOOD + "new_series_hold: 0s", "new_series_hold: 0s is not between the scrape_interval of 15s and 1d"),
    ("a hold of a week", GOOD + "new_series_hold: 1w", "new_series_hold: 1w is not between"),
    ("no hold but null", GOOD + "new_series_hold: soon", "new_series_hold: 'soon' is not a duration"),
    # words
    ("a city", GOOD + "time_zone: Berlin", "time_zone: 'Berlin' is not a time zone; did you mean"),
    ("nearly a zone", GOOD + "time_zone: Europe/Berln", "time_zone: 'Europe/Berln' is not a time zone; did you mean Europe/Berlin?"),
    ("a folder of zones", GOOD + "time_zone: Europe", "time_zone: 'Europe' is not a time zone; did you mean"),
    ("a path as zone", GOOD + "time_zone: ../../etc/passwd", "time_zone: '../../etc/passwd' is not a time zone; write UTC or Europe/Berlin"),
    ("no zone", GOOD + "time_zone: ''", "time_zone: '' is not a time zone; write UTC or Europe/Berlin"),
    ("a NUL in a zone", GOOD + 'time_zone: "a\\0b"', "time_zone: 'a\\x00b' is not a time zone"),
    ("half a weekday", GOOD + "week_start: mond", "week_start: 'mond' is not known; did you mean monday?"),
    ("a weekday's number", GOOD + "week_start: 1", "week_start: 1 is not known; known: monday, tuesday"),
    # ledger
    ("a path as ledger", GOOD + "ledger: {url: /var/lib/ledger.db}", "ledger.url: /var/lib/ledger.db is not sqlite:///PATH"),
    ("a ledger in memory", GOOD + "ledger: {url: 'sqlite:///:memory:'}", "ledger.url: sqlite:… is not sqlite:///PATH"),
    ("no path", GOOD + "ledger: {url: 'sqlite://'}", "ledger.url: sqlite:… is not sqlite:///PATH"),
    # accounts
    ("no type", "sources: [{account: acme, admin_key_env: KEY}]", "sources[0].type: missing; known: anthropic"),
    ("nearly a type", "sources: [{type: antropic, account: acme, admin_key_env: KEY}]", "sources[0].type: 'antropic' is not known; did you mean anthropic?"),
    ("a list as type", "sources: [{type: [anthropic], account: acme, admin_key_env: KEY}]", "sources[0].type: ['anthropic'] is not known; did you mean anthropic?"),
    ("no account", "sources: [{type: anthropic, admin_key_env: KEY}]", "sources[0].account: missing; write account: acme, for example"),
    ("an account with a space", source(start="type: anthropic, account: a b, admin_key_env: KEY"), "sources[0].account: 'a b' is not 1 to 64 letters, digits, _ . or -; write acme"),
    ("no key", source(start="type: anthropic, account: acme"), "sources[0].admin_key_file: exactly one of admin_key_file, admin_key_env, admin_key_command is needed; none is given"),
    ("two keys", source("admin_key_command: [sh]"), "sources[0].admin_key_file: exactly one of admin_key_file, admin_key_env, admin_key_command is needed; these are given: admin_key_env, admin_key_command"),
    ("a command as text", source(start="type: anthropic, account: acme, admin_key_command: pass x"), "sources[0].admin_key_command: expected list of texts, found 'pass x'"),
    ("a number in a command", source(start="type: anthropic, account: acme, admin_key_command: [sh, 5]"), "sources[0].admin_key_command[1]: expected text, found 5; put it in quotes"),
    ("polled too often", source("poll_interval: 59s"), "sources[0].poll_interval: 59s is less than 60s, the shortest that Anthropic allows; write 60s"),
    ("polled too often by a gateway", source('poll_interval: 5s, base_url: "https://gateway.example.com"'), "sources[0].poll_interval: 5s is less than 60s"),
    ("polled always", source('poll_interval: 0s, base_url: "http://127.0.0.1:1"'), "sources[0].poll_interval: 0s is not more than 0s and at most 1d; write 60s"),
    ("polled never", source("poll_interval: 25h"), "sources[0].poll_interval: 1d1h is not more than 0s and at most 1d; write 60s"),
    ("http", source('base_url: "http://api.example.com"'), "sources[0].base_url: http://api.example.com is not https; a key goes unencrypted to this machine only: write https://HOST[:PORT][/PATH]"),
    ("http that looks local", source('base_url: "http://localhost.example.com"'), "sources[0].base_url: http://localhost.example.com is not https"),
    ("another scheme", source('base_url: "ftp://127.0.0.1"'), "sources[0].base_url: ftp://127.0.0.1 is not https"),
    ("no scheme", source("base_url: api.anthropic.com"), "sources[0].base_url: api.anthropic.com is not https://HOST[:PORT][/PATH]; write that and nothing else"),
    ("a query", source('base_url: "https://example.com/?x=1"'), "sources[0].base_url: https://example.com/?x=1 is not https://HOST[:PORT][/PATH]"),
    ("a wrong port", source('base_url: "https://example.com:99999"'), "sources[0].base_url: https://example.com:99999 is not https://HOST[:PORT][/PATH]: Port out of range"),
    ("half an address", source('base_url: "https://[::1"'), "sources[0].base_url: https://[::1 is not https://HOST[:PORT][/PATH]: Invalid IPv6 URL"),
    # overrides
    ("neither", override("model: claude-opus-5"), "prices.overrides[0]: an override needs exactly one of usd_per_million and factor; this one has neither"),
    ("both", override("model: claude-opus-5, token_type: output, factor: 1, usd_per_million: 1"), "prices.overrides[0]: an override needs exactly one of usd_per_million and factor; this one has usd_per_million: 1 and factor: 1"),
    ("a rate for everything", override("usd_per_million: 1"), "prices.overrides[0]: usd_per_million needs a model and a token_type, because no two of them share a rate; this override has no model and no token_type"),
    ("a negative factor", override("factor: -0.1"), "prices.overrides[0]: factor is -0.1; it must be more than 0"),
    ("a factor in words", override("factor: half"), "prices.overrides[0].factor: expected number, found 'half'"),
    ("not a number", override("factor: .nan"), "prices.overrides[0]: factor is NaN; it must be more than 0"),
    ("another token type", override("factor: 0.9, token_type: outputs"), "prices.overrides[0].token_type: 'outputs' is not known; did you mean output?"),
    ("another tier", override("factor: 0.9, service_tier: bulk"), "prices.overrides[0].service_tier: 'bulk' is not known; known: standard, batch"),
    ("a day that is none", override("factor: 0.9, from: 2026-13-01"), "prices.overrides[0].from: expected day (YYYY-MM-DD), found '2026-13-01'"),
    ("a day without zeros", override("factor: 0.9, from: 2026-1-1"), "prices.overrides[0].from: expected day (YYYY-MM-DD), found '2026-1-1'"),
    ("the end before the start", override("factor: 0.9, from: 2026-02-01, to: 2026-01-01"), "prices.overrides[0]: an override must end after it begins"),
    ("of no account", override("factor: 0.9, account: acne"), "prices.overrides[0].account: 'acne' is no account of sources; did you mean acme?"),
    ("of nothing listed", override("factor: 0.9, model: claude-zero"), "prices.overrides[0]: this override gives factor 0.9 for model claude-zero, which has no list price"),
    ("of a tier without price", override("factor: 0.9, service_tier: priority"), "prices.overrides[0]: this override gives factor 0.9 for service_tier priority"),
    # subscriptions
    ("no plan", subscription(start="provider: anthropic, price_usd: 30"), "subscriptions[0].plan: missing; write plan: team, for example"),
    ("no price", subscription(start="provider: anthropic, plan: team"), "subscriptions[0].price_usd: missing; write price_usd: 30, for example"),
    ("a mapping of subscriptions", GOOD + "subscriptions: {plan: team}", "subscriptions: expected list of blocks, found {'plan': 'team'}"),
    ("a subscription in words", GOOD + "subscriptions: [team]", "subscriptions[0]: expected a mapping, found 'team'"),
    ("a price with its currency", subscription(start="provider: anthropic, plan: team, price_usd: $30"), "subscriptions[0].price_usd: expected number, found '$30'"),
    ("free", subscription(start="provider: anthropic, plan: team, price_usd: 0"), "subscriptions[0].price_usd: 0 is not more than 0, at most 1000000000 and in whole nano-dollars; write 500"),
    ("an endless price", subscription(start="provider: anthropic, plan: team, price_usd: .inf"), "subscriptions[0].price_usd: Infinity is not more than 0"),
    ("a price below a nano-dollar", subscription(start="provider: anthropic, plan: team, price_usd: 0.0000000001"), "subscriptions[0].price_usd: 1E-10 is not more than 0, at most 1000000000 and in whole nano-dollars"),
    ("no seats", subscription("seats: 0"), "subscriptions[0].seats: expected whole number >= 1, found 0"),
    ("half a seat", subscription("seats: 2.5"), "subscriptions[0].seats: expected whole number, found 2.5"),
    ("weekly", subscription("interval: weekly"), "subscriptions[0].interval: 'weekly' is not known; known: monthly, yearly"),
    ("misspelt interval", subscription("interval: year"), "subscriptions[0].interval: 'year' is not known; did you mean yearly?"),
    ("the end before the start of a plan", subscription("start: 2026-02-01, end: 2026-01-31"), "subscriptions[0].end: 2026-01-31 is before the start, 2026-02-01; it is the last day"),
    ("no such day", subscription("start: 2026-02-30"), "subscriptions[0].start: expected day (YYYY-MM-DD), found '2026-02-30'"),
    ("a fee of no account", subscription("account: acne"), "subscriptions[0].account: 'acne' is no account of sources; did you mean acme?"),
    ("another provider's account", subscription("account: acme", "provider: openai, plan: team, price_usd: 30"), "subscriptions[0].account: acme is an account of anthropic, not of openai"),
    ("a provider with capitals", subscription(start="provider: Anthropic, plan: team, price_usd: 30"), "subscriptions[0].provider: 'Anthropic' is not 1 to 64 of a-z, 0-9, _ and -; write anthropic"),
    ("a provider that is misspelt", subscription(start="provider: antropic, plan: team, price_usd: 30"), "subscriptions[0].provider: antropic is no provider; did you mean anthropic?"),
    ("a plan without a name", subscription(start="provider: anthropic, plan: '', price_usd: 30"), "subscriptions[0].plan: '' is not 1 to 100 letters without space around; write team"),
    # budgets
    ("no name", budget(start="amount_usd: 500"), "budgets[0].name: missing; write name: research, for example"),
    ("a nameless budget", budget(start="name: ' ', amount_usd: 500"), "budgets[0].name: ' ' is not 1 to 100 letters without space around; write research"),
    ("no limit", budget(start="name: all"), "budgets[0].amount_usd: exactly one of amount_usd and from is needed; none is given"),
    ("two limits", budget("from: provider_limit, scope_type: account, scope: acme"), "budgets[0].amount_usd: exactly one of amount_usd and from is needed; both are given"),
    ("a limit of 0", budget(start="name: all, amount_usd: 0"), "budgets[0].amount_usd: 0 is not more than 0"),
    ("a limit of somebody else", budget(start="name: all, from: console"), "budgets[0].from: 'console' is not known; known: provider_limit"),
    ("a provider's limit of a model", budget(start="name: a, from: provider_limit, scope_type: model, scope: claude-opus-5"), "budgets[0].from: providers cap accounts and workspaces, not model; write amount_usd"),
    ("a provider's limit of a day", budget(start="name: a, from: provider_limit, period: day, scope_type: account, scope: acme"), "budgets[0].period: providers cap a month, not a day; write month or amount_usd"),
    ("a provider's limit of all", budget(start="name: a, from: provider_limit"), "budgets[0].from: providers cap accounts and workspaces, not all; write amount_usd"),
    ("a quarter", budget("period: quarter"), "budgets[0].period: 'quarter' is not known; known: day, week, month"),
    ("monthly", budget("period: monthly"), "budgets[0].period: 'monthly' is not known; did you mean month?"),
    ("a kind of scope", budget("scope_type: key, scope: x"), "budgets[0].scope_type: 'key' is not known; did you mean api_key?"),
    ("a scope of all", budget("scope: Research"), "budgets[0].scope: all of what? Research needs a scope_type, such as workspace"),
    ("no scope", budget("scope_type: workspace"), "budgets[0].scope: missing; name the workspace by its id or name"),
    ("an empty scope", budget("scope_type: workspace, scope: ''"), "budgets[0].scope: '' is not 1 to 100 letters without space around; write its id or name"),
    ("a scope that is a number", budget("scope_type: workspace, scope: 7"), "budgets[0].scope: expected text, found 7; put it in quotes"),
    ("of an account that is none", budget("scope_type: account, scope: acne"), "budgets[0].scope: 'acne' is no account of sources; did you mean acme?"),
    ("of a provider that is none", budget("scope_type: provider, scope: antropic"), "budgets[0].scope: antropic is no provider; did you mean anthropic?"),
    ("a dated model", budget("scope_type: model, scope: claude-sonnet-4-20250514"), "budgets[0].scope: claude-sonnet-4-20250514 has the model label claude-sonnet-4; write that"),
    ("customers of the legacy API", budget("scope_type: end_customer, scope: x", sources=source("api: legacy")), "budgets[0].scope_type: no source can tell what one end_customer spends; known: all, provider, account, workspace, api_key, model"),
    ("an account of all", budget("account: acme"), "budgets[0].account: a budget with scope_type all is of no account's member; remove it"),
    ("a member of no account", budget("scope_type: workspace, scope: default, account: acne"), "budgets[0].account: 'acne' is no account of sources; did you mean acme?"),
    ("a day of a customer", budget("period: day, scope_type: end_customer, scope: x"), "budgets[0].period: what one end_customer spends is known when the day is over; write week or month"),
    ("levels that fall", budget("levels: {soft: 0.9}"), "budgets[0].levels: soft: 0.9, warn: 0.8, hard: 1 do not rise from more than 0 to at most 10; 1 is the limit"),
    ("two equal levels", budget("levels: {soft: 0.5, warn: 0.5}"), "budgets[0].levels: soft: 0.5, warn: 0.5, hard: 1 do not rise"),
    ("levels in percent", budget("levels: {soft: 70, warn: 80, hard: 100}"), "budgets[0].levels: soft: 70, warn: 80, hard: 100 do not rise from more than 0 to at most 10"),
    ("a level of 0", budget("levels: {soft: 0}"), "budgets[0].levels: soft: 0, warn: 0.8, hard: 1 do not rise"),
    ("a level in words", budget("levels: {soft: some}"), "budgets[0].levels.soft: expected number, found 'some'"),
    ("a level more", budget("levels: {harder: 2}"), "budgets[0].levels.harder: unknown key; did you mean hard?"),
    ("a list of levels", budget("levels: [0.5]"), "budgets[0].levels: expected a mapping, found [0.5]"),
    ("no team but space", budget("team: ' a'"), "budgets[0].team: ' a' is not 1 to 100 letters without space around; write research"),
    ("half a weekday that counts", budget("working_days: {weekdays: [mon]}"), "budgets[0].working_days.weekdays[0]: expected one of monday, tuesday"),
    ("no weekdays", budget("working_days: {weekdays: []}"), "budgets[0].working_days.weekdays: is empty; name the days that count, such as monday"),
    ("a holiday by name", budget("working_days: {holidays: [2026-12-25, easter]}"), "budgets[0].working_days.holidays[1]: expected day (YYYY-MM-DD), found 'easter'"),
    ("holidays by rule", budget("working_days: {holidays: DE}"), "budgets[0].working_days.holidays: expected list of days (YYYY-MM-DD), found 'DE'"),
    ("a zone of working days", budget("working_days: {time_zone: Europe/Berln}"), "budgets[0].working_days.time_zone: 'Europe/Berln' is not a time zone; did you mean Europe/Berlin?"),
    ("working days as a list", budget("working_days: [monday]"), "budgets[0].working_days: expected a mapping, found ['monday']"),
    ("a name twice", GOOD + "budgets: [{name: a, amount_usd: 1}, {name: b, amount_usd: 1}, {name: a, amount_usd: 2}]", "budgets[2].name: 'a' is the name of budgets[0] already; a budget has its own"),
    # prepaid credit, models to compare, anomalies
    ("no day", credit("account: acme, amount_usd: 500"), "credits[0].date: missing; write date: 2026-11-01, for example"),
    ("no account of the credit", credit("date: 2026-11-01, amount_usd: 500"), "credits[0].account: missing; write account: acme, for example"),
    ("half a key", credit("account: acme, date: 2026-11-01, amount_usd: 500, amount: 500"), "credits[0].amount: unknown key; did you mean amount_usd?"),
    ("a month", credit("account: acme, date: 2026-11, amount_usd: 500"), "credits[0].date: expected day (YYYY-MM-DD), found '2026-11'"),
    ("a refund", credit("account: acme, date: 2026-11-01, amount_usd: -5"), "credits[0].amount_usd: -5 is not more than 0"),
    ("credit of nobody", credit("account: other, date: 2026-11-01, amount_usd: 5"), "credits[0].account: 'other' is no account of sources; known: acme"),
    ("only one model", GOOD + "routing_whatif: [{from_model: claude-opus-5}]", "routing_whatif[0].to_model: missing; write to_model: claude-sonnet-5, for example"),
    ("a model with itself", whatif(("claude-opus-5", "claude-opus-5")), "routing_whatif[0].to_model: claude-opus-5 is the model that was used; name another one"),
    ("a pair twice", whatif(("claude-opus-5", "claude-sonnet-5"), ("claude-opus-5", "claude-sonnet-5")), "routing_whatif[1].to_model: routing_whatif[0] compares these two already; leave one out"),
    ("a model without a price", whatif(("claude-opus-5", "claude-sonett-5")), "routing_whatif[0].to_model: claude-sonett-5 has no price, neither in the list nor by prices.overrides; did you mean claude-sonnet-5?"),
    ("a used model without a price", whatif(("gpt", "claude-sonnet-5")), "routing_whatif[0].from_model: gpt has no price"),
    ("another window", GOOD + "anomalies: {6h: {sigma: 3}}", "anomalies.6h: unknown key; known: 1h, 24h, 7d"),
    ("a negative sigma", GOOD + "anomalies: {1h: {sigma: -1}}", "anomalies.1h.sigma: -1 is not between 0 and 1000000; write 3"),
    ("a ratio below 1", GOOD + "anomalies: {7d: {ratio: 0.5}}", "anomalies.7d.ratio: 0.5 is not between 1 and 1000000; write 3"),
    ("a floor in words", GOOD + "anomalies: {24h: {floor_usd: low}}", "anomalies.24h.floor_usd: expected number, found 'low'"),
    ("a floor that is no number", GOOD + "anomalies: {24h: {floor_share: .nan}}", "anomalies.24h.floor_share: NaN is not between 0 and 1000000; write 3"),
]  # fmt: skip
"""Each has exactly this one problem."""
