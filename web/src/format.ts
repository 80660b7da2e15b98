// Figures and times as people read them.

export function bitrate(bitsPerSecond: number): string {
  if (bitsPerSecond >= 1_000_000) return `${(bitsPerSecond / 1_000_000).toFixed(1)} Mbit/s`;
  return `${Math.round(bitsPerSecond / 1000)} kbit/s`;
}

export function ratio(value: number): string {
  const percent = value * 100;
  return `${percent >= 10 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

export function milliseconds(value: number): string {
  return `${Math.round(value)} ms`;
}

const dayAndTime = new Intl.DateTimeFormat('en', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

const timeOfDay = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** A moment far enough away to need its day; undefined when the text is no time. */
export function moment(iso: string): string | undefined {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? undefined : dayAndTime.format(date);
}

export function clock(unixMs: number): string {
  return timeOfDay.format(new Date(unixMs));
}

const date = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long', year: 'numeric' });

const dateAndTime = new Intl.DateTimeFormat('en', {
  weekday: 'short',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** A day, which may be years away; undefined when the text is no time. */
export function day(iso: string): string | undefined {
  const moment = new Date(iso);
  return Number.isNaN(moment.getTime()) ? undefined : date.format(moment);
}

/** A moment that may be years ago; undefined when the text is no time. */
export function longMoment(iso: string): string | undefined {
  const moment = new Date(iso);
  return Number.isNaN(moment.getTime()) ? undefined : dateAndTime.format(moment);
}

/** How long something lasts, in words. */
export function length(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  const hours = `${Math.floor(minutes / 60)} h`;
  return rest === 0 ? hours : `${hours} ${rest} min`;
}

/** A place in a film, as players show it. */
export function timecode(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes}:${two(seconds % 60)}`;
  return `${hours}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

export function size(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3);
  const unit = Math.min(power, UNITS.length - 1);
  const value = bytes / 1_000 ** unit;
  return `${value.toFixed(unit > 0 && value < 10 ? 1 : 0)} ${UNITS[unit]}`;
}
