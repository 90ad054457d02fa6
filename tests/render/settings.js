// What Grafana would register when it starts: field settings, transformations, the theme.
import {
  FieldConfigOptionsRegistry,
  createTheme,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';
import covered from './covered.json';

export const theme = createTheme({ colors: { mode: 'dark' } });
const asItIs = (value) => value;

function setting(path, isCustom) {
  const id = isCustom ? `custom.${path}` : path;
  return { id, path, name: id, isCustom, process: asItIs, shouldApply: () => true, settings: {} };
}

const fields = covered.field.map((path) => setting(path, false));
standardFieldConfigEditorRegistry.setInit(() => fields);
standardTransformersRegistry.setInit(() =>
  Object.entries(covered.transformations).map(([id, name]) => {
    const transformation = standardTransformers[name];
    return { id, name: id, transformation: async () => transformation };
  })
);

export function optionsOf(panel) {
  const known = covered.panels[panel.type].options;
  return Object.fromEntries(known.map((name) => [name, panel.options?.[name]]));
}

// Grafana reads null as minus infinity, which JSON cannot say.
function withInfinity(source) {
  return JSON.parse(JSON.stringify(source), (key, value) =>
    key === 'steps' ? value.map((step) => ({ ...step, value: step.value ?? -Infinity })) : value
  );
}

export async function shaped(panel, frames) {
  const data = await lastValueFrom(transformDataFrame(panel.transformations ?? [], frames));
  const custom = covered.panels[panel.type].custom.map((path) => setting(path, true));
  const drawn = applyFieldOverrides({
    data,
    fieldConfig: withInfinity(panel.fieldConfig ?? { defaults: {}, overrides: [] }),
    fieldConfigRegistry: new FieldConfigOptionsRegistry(() => [...fields, ...custom]),
    replaceVariables: asItIs,
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(drawn);
  return drawn;
}
