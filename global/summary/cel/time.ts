import { type CelFunc, CelScalar, celMethod, objectType } from "@bufbuild/cel";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";

const TIMESTAMP = objectType(TimestampSchema);
const SECONDS_A_DAY = 86_400;

/** A timestamp's parts in one time zone, as CEL counts them (months and days from 0). */
interface Civil {
  readonly year: number;
  readonly month: number;
  readonly dayOfMonth: number;
  readonly dayOfYear: number;
  readonly dayOfWeek: number;
  readonly secondOfDay: number;
}

/**
 * Days since 1970 to a date of the proleptic Gregorian calendar, by counting in
 * eras of 400 years that begin on 1 March.
 */
function civilOf(secondsUtc: number): Civil {
  const days = Math.floor(secondsUtc / SECONDS_A_DAY);
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfMarchYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfMarchYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 2 : marchMonth - 10;
  const year = yearOfEra + era * 400 + (month <= 1 ? 1 : 0);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return {
    year,
    month,
    dayOfMonth: dayOfMarchYear - Math.floor((153 * marchMonth + 2) / 5),
    dayOfYear: month <= 1 ? dayOfMarchYear - 306 : dayOfMarchYear + 59 + (isLeap ? 1 : 0),
    dayOfWeek: (((days + 4) % 7) + 7) % 7,
    secondOfDay: secondsUtc - days * SECONDS_A_DAY,
  };
}

/** Seconds east of UTC of a zone: "UTC", or an offset such as "+02:00". */
function zoneSeconds(zone: string): number {
  if (zone === "UTC" || zone === "Z") return 0;
  const match = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (match === null) {
    throw new Error(
      `time zone "${zone}" depends on the machine's zone data; write UTC or an offset such as +02:00`,
    );
  }
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60;
  return match[1] === "-" ? -seconds : seconds;
}

type Part = (civil: Civil, nanos: number) => number;

function getter(name: string, part: Part): CelFunc[] {
  const at = (seconds: bigint, nanos: number, zone: string): bigint =>
    BigInt(part(civilOf(Number(seconds) + zoneSeconds(zone)), nanos));
  return [
    celMethod(name, TIMESTAMP, [], CelScalar.INT, function () {
      return at(this.message.seconds, this.message.nanos, "UTC");
    }),
    celMethod(name, TIMESTAMP, [CelScalar.STRING], CelScalar.INT, function (zone) {
      return at(this.message.seconds, this.message.nanos, zone);
    }),
  ];
}

/**
 * CEL's getters of timestamps, computed from the numbers alone. The library's own go
 * by the machine's time zone and zone data, so two gateways could differ.
 */
export const TIME_FUNCTIONS: CelFunc[] = [
  ...getter("getFullYear", (civil) => civil.year),
  ...getter("getMonth", (civil) => civil.month),
  ...getter("getDate", (civil) => civil.dayOfMonth + 1),
  ...getter("getDayOfMonth", (civil) => civil.dayOfMonth),
  ...getter("getDayOfYear", (civil) => civil.dayOfYear),
  ...getter("getDayOfWeek", (civil) => civil.dayOfWeek),
  ...getter("getHours", (civil) => Math.floor(civil.secondOfDay / 3600)),
  ...getter("getMinutes", (civil) => Math.floor(civil.secondOfDay / 60) % 60),
  ...getter("getSeconds", (civil) => civil.secondOfDay % 60),
  ...getter("getMilliseconds", (_civil, nanos) => Math.floor(nanos / 1_000_000)),
];
