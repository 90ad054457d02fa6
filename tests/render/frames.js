// From Prometheus' answers to Grafana's data frames, as Grafana's own data source makes them.
import { FieldType, createDataFrame } from '@grafana/data';

const TEMPLATE = /\{\{ *(\w+) *\}\}/g;

function legend(target, labels) {
  const written = target.legendFormat;
  if (!written || written === '__auto') {
    return undefined;
  }
  return written.replace(TEMPLATE, (_, label) => labels[label] ?? '');
}

function time(points, config) {
  const values = points.map(([at]) => Math.round(at * 1000));
  return { name: 'Time', type: FieldType.time, values, config };
}

function line(target, answer, { labels, points }) {
  const kept = { ...labels };
  delete kept.__name__;
  const value = {
    name: 'Value',
    type: FieldType.number,
    labels: kept,
    values: points.map(([, number]) => number),
    config: { displayNameFromDS: legend(target, labels) },
  };
  // The distance of two points tells where a line has a gap.
  const interval = target.instant ? undefined : answer.step * 1000;
  return createDataFrame({ refId: target.refId, fields: [time(points, { interval }), value] });
}

function rows(target, answer, several) {
  const names = [...new Set(answer.series.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const points = answer.series.map((series) => series.points[0]);
  const texts = names.map((name) => ({
    name,
    type: FieldType.string,
    config: {},
    values: answer.series.map(({ labels }) => labels[name] ?? ''),
  }));
  const value = {
    name: several ? `Value #${target.refId}` : 'Value',
    type: FieldType.number,
    config: {},
    values: points.map(([, number]) => number),
  };
  return createDataFrame({ refId: target.refId, fields: [time(points, {}), ...texts, value] });
}

export function framesOf(panel, answers) {
  const targets = panel.targets ?? [];
  const several = targets.filter(({ refId }) => answers[refId].series.length).length > 1;
  return targets.flatMap((target) => {
    const answer = answers[target.refId];
    if (target.format !== 'table') {
      return answer.series.map((series) => line(target, answer, series));
    }
    return answer.series.length ? [rows(target, answer, several)] : [];
  });
}
