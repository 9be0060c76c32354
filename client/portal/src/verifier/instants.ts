/// Times as verdicts write them: by arithmetic, because a timestamp may lie beyond what Date can hold.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.

const DAY_S = 86_400;
const DAYS_BEFORE_1970 = 719_468; // from 0000-03-01
const ERA_DAYS = 146_097; // days of 400 years

const div = (left: number, right: number): number => Math.floor(left / right);
const padded = (number: number, width: number): string => String(number).padStart(width, "0");

function civil(seconds: number): { date: string; clock: string } {
  const days = div(seconds, DAY_S) + DAYS_BEFORE_1970;
  const second = seconds - div(seconds, DAY_S) * DAY_S;
  const era = div(days, ERA_DAYS);
  const dayOfEra = days - era * ERA_DAYS;
  const leap = div(dayOfEra, 1460) - div(dayOfEra, 36_524) + div(dayOfEra, 146_096);
  const yearOfEra = div(dayOfEra - leap, 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + div(yearOfEra, 4) - div(yearOfEra, 100));
  const fromMarch = div(5 * dayOfYear + 2, 153);
  const day = dayOfYear - div(153 * fromMarch + 2, 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const clock = [div(second, 3600), div(second, 60) % 60, second % 60].map((part) => padded(part, 2));
  return { date: `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`, clock: clock.join(":") };
}

/** YYYY-MM-DDThh:mm:ssZ for seconds since 1970 UTC. */
export function utcTime(seconds: number): string {
  const { date, clock } = civil(seconds);
  return `${date}T${clock}Z`;
}

/** "YYYY-MM-DD hh:mm:ss" at UTC+8 for seconds since 1970 UTC. */
export function chinaTime(seconds: number): string {
  const { date, clock } = civil(seconds + 8 * 3600);
  return `${date} ${clock}`;
}
