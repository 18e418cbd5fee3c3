import { everyRegime, falseAlarmsIn, stepsSeen } from "#tests/policy/spike-regimes.ts";

/** detection.md §1c: so many series and days of each regime, and rises of each. */
const whole = { series: 40, days: 7, seed: 1 };
const rises = { series: 200, times: 10, seed: 2 };
/** From so many events in five minutes on, every rise to ten times has to be seen … */
const meanMin = 5;
/**
 * … within a quarter of an hour, and where they come in bursts of about as many anyway, within an hour: three such counts
 * tell a rise from a burst four times in five, and a rule that spoke sooner would cry wolf.
 */
const isBursty = ({ mean, dispersion }: { mean: number; dispersion: number }) => dispersion > mean;

export interface SpikeFigures {
  /** Over all regimes, and in the worst one. */
  falseAlarmsPer1000Days: number;
  worstPer1000Days: number;
  fingerprintDays: number;
  /** The least share of the regimes with at least five events in five minutes, within 15 minutes; without great bursts. */
  stepsSeenShare: number;
  /** The least share of all of them, within half an hour and within an hour. */
  halfHourStepsSeenShare: number;
  hourStepsSeenShare: number;
  regimes: { regime: string; falseAlarmsPer1000Days: number; stepsSeenShare: number }[];
}

/** The whole simulation: how often the spike rule speaks where nothing happens, and whether it sees what does. */
export function spikeFigures(): SpikeFigures {
  const regimes = everyRegime.map((regime) => {
    const { alarms, fingerprintDays } = falseAlarmsIn(regime, whole);
    return {
      regime: `${regime.mean} in 5 minutes, ${regime.cycle}, dispersion ${regime.dispersion}`,
      mean: regime.mean,
      dispersion: regime.dispersion,
      alarms,
      fingerprintDays,
      falseAlarmsPer1000Days: (alarms / fingerprintDays) * 1_000,
      stepsSeenShare: stepsSeen(regime, rises),
      halfHour: stepsSeen(regime, { ...rises, within: 6 }),
      hour: stepsSeen(regime, { ...rises, within: 12 }),
    };
  });
  const days = regimes.reduce((sum, { fingerprintDays }) => sum + fingerprintDays, 0);
  const alarms = regimes.reduce((sum, one) => sum + one.alarms, 0);
  const busy = regimes.filter(({ mean }) => mean >= meanMin);
  return {
    falseAlarmsPer1000Days: (alarms / days) * 1_000,
    worstPer1000Days: Math.max(...regimes.map((one) => one.falseAlarmsPer1000Days)),
    fingerprintDays: days,
    stepsSeenShare: Math.min(...busy.filter((one) => !isBursty(one)).map((one) => one.stepsSeenShare)),
    halfHourStepsSeenShare: Math.min(...busy.map(({ halfHour }) => halfHour)),
    hourStepsSeenShare: Math.min(...busy.map(({ hour }) => hour)),
    regimes: regimes.map(({ regime, falseAlarmsPer1000Days, stepsSeenShare }) => ({
      regime,
      falseAlarmsPer1000Days,
      stepsSeenShare,
    })),
  };
}
