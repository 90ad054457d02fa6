// Each kind of panel, drawn with the components of which Grafana's own panels are made.
import {
  VizOrientation,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  renderTextPanelMarkdown,
} from '@grafana/data';
import { BarGauge, BigValue, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { optionsOf, theme } from './settings.js';

const TIME_ZONE = 'utc';

function Figures({ panel, frames, width, height, draw, ...how }) {
  const options = optionsOf(panel);
  const values = () =>
    getFieldDisplayValues({
      fieldConfig: panel.fieldConfig,
      reduceOptions: options.reduceOptions,
      replaceVariables: (text) => text,
      theme,
      data: frames,
      timeZone: TIME_ZONE,
    });
  return (
    <VizRepeater
      getValues={values}
      getAlignmentFactors={(list) => getDisplayValueAlignmentFactors(list)}
      renderValue={(place) => draw(options, place)}
      source={frames}
      renderCounter={0}
      width={width}
      height={height}
      orientation={options.orientation}
      {...how}
    />
  );
}

function bigValue(options, { value, width, height, alignmentFactors, count }) {
  return (
    <BigValue
      value={value.display}
      count={count}
      width={width}
      height={height}
      alignmentFactors={alignmentFactors}
      colorMode={options.colorMode}
      graphMode={options.graphMode}
      justifyMode={options.justifyMode}
      textMode={options.textMode}
      text={options.text}
      percentChangeColorMode={options.percentChangeColorMode}
      disableWideLayout={!options.wideLayout}
      theme={theme}
    />
  );
}

function bar(options, { value, width, height, alignmentFactors, orientation }) {
  return (
    <BarGauge
      value={value.display}
      field={value.field}
      display={value.view?.getFieldDisplayProcessor(value.colIndex)}
      width={width}
      height={height}
      alignmentFactors={alignmentFactors}
      orientation={orientation}
      displayMode={options.displayMode}
      valueDisplayMode={options.valueMode}
      namePlacement={options.namePlacement}
      text={options.text}
      showUnfilled={options.showUnfilled}
      itemSpacing={10}
      theme={theme}
    />
  );
}

function Stat(props) {
  return <Figures {...props} draw={bigValue} itemSpacing={3} autoGrid />;
}

function Bars(props) {
  const { minVizWidth, minVizHeight, maxVizHeight } = optionsOf(props.panel);
  const sizes = { minVizWidth, minVizHeight, maxVizHeight };
  return <Figures {...props} draw={bar} itemSpacing={10} {...sizes} />;
}

function Lines({ panel, frames, range, width, height }) {
  const { legend } = optionsOf(panel);
  const size = { width, height };
  return <TimeSeries frames={frames} timeRange={range} timeZone={TIME_ZONE} legend={legend} {...size} />;
}

function Table({ panel, frames, range, width, height }) {
  const options = optionsOf(panel);
  return (
    <TableNG
      data={frames[options.frameIndex ?? 0]}
      width={width}
      height={height}
      noHeader={!options.showHeader}
      showTypeIcons={options.showTypeIcons}
      sortBy={options.sortBy}
      cellHeight={options.cellHeight}
      fieldConfig={panel.fieldConfig}
      timeRange={range}
      structureRev={1}
    />
  );
}

function Text({ panel }) {
  const html = renderTextPanelMarkdown(optionsOf(panel).content);
  return <div className="markdown-html" dangerouslySetInnerHTML={{ __html: html }} />;
}

export const KINDS = { bargauge: Bars, stat: Stat, table: Table, text: Text, timeseries: Lines };
