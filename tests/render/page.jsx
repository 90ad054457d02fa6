// A dashboard as a page: panels on Grafana's grid, then a report of what each of them shows.
import '@fontsource/inter/latin-400.css';
import '@fontsource/inter/latin-500.css';
import { dateTime, LoadingState, ThemeContext } from '@grafana/data';
import { GlobalStyles, PanelChrome, PortalContainer } from '@grafana/ui';
import { Component, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { framesOf } from './frames.js';
import { KINDS } from './panels.jsx';
import { shaped, theme } from './settings.js';

const COLUMNS = 24;
const ROW = 38;
const GAP = 8;
const SETTLED = 2000;
const errors = {};

function place({ x, y, w, h }) {
  const column = (window.innerWidth - GAP) / COLUMNS;
  return {
    position: 'absolute',
    left: x * column + GAP,
    top: y * ROW,
    width: w * column - GAP,
    height: h * ROW - GAP,
  };
}

class Caught extends Component {
  state = {};
  static getDerivedStateFromError = (error) => ({ error });
  componentDidCatch(error) {
    errors[this.props.id] = String(error);
  }
  render() {
    return this.state.error ? <div>{String(this.state.error)}</div> : this.props.children;
  }
}

function Nothing({ panel, height }) {
  const style = { height, display: 'grid', placeItems: 'center', textAlign: 'center' };
  return <div style={style}>{panel.fieldConfig?.defaults?.noValue ?? 'No data'}</div>;
}

function Inside({ panel, frames, range, width, height }) {
  const Kind = KINDS[panel.type];
  const empty = panel.type !== 'text' && panel.type !== 'stat' && !frames.length;
  return empty ? (
    <Nothing panel={panel} height={height} />
  ) : (
    <Kind panel={panel} frames={frames} range={range} width={width} height={height} />
  );
}

function Panel({ panel, frames, range }) {
  const box = place(panel.gridPos);
  if (panel.type === 'row') {
    return <h5 style={{ ...box, margin: 0, paddingTop: GAP }}>{panel.title}</h5>;
  }
  return (
    <div style={box} data-panel={panel.id}>
      <PanelChrome
        title={panel.title}
        description={panel.description}
        loadingState={LoadingState.Done}
        width={box.width}
        height={box.height}
        padding={panel.type === 'table' ? 'none' : 'md'}
      >
        {(width, height) => (
          <Caught id={panel.id}>
            <Inside panel={panel} frames={frames} range={range} width={width} height={height} />
          </Caught>
        )}
      </PanelChrome>
    </div>
  );
}

function Head({ title, selected, time }) {
  const box = { padding: '4px 10px', background: theme.colors.background.primary, borderRadius: 2 };
  return (
    <div style={{ display: 'flex', alignItems: 'center', gap: GAP, padding: GAP, height: 48 }}>
      <h4 style={{ margin: 0, marginRight: GAP * 2 }}>{title}</h4>
      {selected.map(({ label, text }) => (
        <span key={label} style={box}>
          <span style={{ color: theme.colors.text.secondary }}>{label}</span> {text}
        </span>
      ))}
      <span style={{ ...box, marginLeft: 'auto' }}>{time}</span>
    </div>
  );
}

function Dashboard({ drawn, frames, range }) {
  useEffect(() => {
    setTimeout(() => report(drawn), SETTLED);
  }, []);
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <PortalContainer />
      <Head {...drawn.head} />
      <div style={{ position: 'relative' }}>
        {drawn.panels.map((panel) => (
          <Panel key={panel.id} panel={panel} frames={frames[panel.id]} range={range} />
        ))}
      </div>
    </ThemeContext.Provider>
  );
}

function shown(panel, element) {
  if (panel.type === 'timeseries') {
    return element.querySelector('canvas') !== null;
  }
  if (panel.type === 'table') {
    return element.querySelectorAll('[role=row]').length > 1;
  }
  return true;
}

function stateOf(panel, answers) {
  const element = document.querySelector(`[data-panel="${panel.id}"]`);
  const answered = Object.values(answers ?? {}).some(({ series }) => series.length);
  return {
    title: panel.title,
    text: element.innerText,
    error: errors[panel.id] ?? '',
    empty: panel.type !== 'text' && !answered,
    drawn: !answered || shown(panel, element),
  };
}

function report({ panels, answers }) {
  const asked = panels.filter(({ type }) => type !== 'row');
  const states = asked.map((panel) => stateOf(panel, answers[panel.id]));
  return fetch('report', { method: 'POST', body: JSON.stringify(states) });
}

async function main() {
  const drawn = await (await fetch('drawn.json')).json();
  const frames = {};
  for (const panel of drawn.panels) {
    if (panel.type !== 'row') {
      frames[panel.id] = await shaped(panel, framesOf(panel, drawn.answers[panel.id] ?? {}));
    }
  }
  const [from, to] = drawn.range.map((at) => dateTime(at * 1000));
  const range = { from, to, raw: { from, to } };
  // Grafana measures texts before it draws them, so their fonts have to be there.
  await Promise.all([400, 500].map((weight) => document.fonts.load(`${weight} 14px Inter`)));
  const page = <Dashboard drawn={drawn} frames={frames} range={range} />;
  createRoot(document.getElementById('page')).render(page);
}

main().catch((error) => fetch('report', { method: 'POST', body: JSON.stringify({ error: String(error.stack) }) }));
