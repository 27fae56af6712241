import type { JSX } from 'preact';
import { isRecord } from '../api/http.ts';
import type { JsonSchema, Text } from '../api/types.ts';
import { inLanguage, type Language, useLanguage, useWords } from '../language/language.ts';

const COLOUR = /^#[0-9a-f]{6}$/i;

type Labels = Readonly<Record<string, Text>>;

interface SchemaValueProps {
  readonly schema: JsonSchema;
  readonly value: unknown;
  /** Names of keys for people. */
  readonly labels: Labels;
}

/** Lays out a value by its schema: objects as forms, lists of objects as tables, other lists as lists. */
export function SchemaValue({ schema, value, labels }: SchemaValueProps): JSX.Element {
  const t = useWords();
  const language = useLanguage();
  if (value === null || value === undefined || value === '') return <span class="none">{t.none}</span>;
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    if (value.length === 0) return <span class="none">{t.none}</span>;
    return value.every(isRecord) ? (
      <Table items={items} rows={value} labels={labels} />
    ) : (
      <List items={items} values={value} labels={labels} />
    );
  }
  if (isRecord(value)) {
    return (
      <dl class="form">
        {Object.entries(value).map(([key, each]) => (
          <div key={key}>
            <dt>{titleOf(schema, labels, key, language)}</dt>
            <dd>
              <SchemaValue schema={schema.properties?.[key] ?? {}} value={each} labels={labels} />
            </dd>
          </div>
        ))}
      </dl>
    );
  }
  if (typeof value === 'string' && COLOUR.test(value))
    return (
      <span class="colour">
        <i style={{ background: value }} /> {value}
      </span>
    );
  if (typeof value === 'boolean') return <span class="tag">{value ? t.yes : t.no}</span>;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return schema.enum === undefined ? <>{text}</> : <span class="tag">{text}</span>;
}

function Table(props: { items: JsonSchema; rows: readonly Record<string, unknown>[]; labels: Labels }): JSX.Element {
  const { items, rows, labels } = props;
  const t = useWords();
  const language = useLanguage();
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    // A wide table scrolls by itself, also by keyboard.
    <div class="scroll" tabIndex={0} role="group" aria-label={t.table}>
      <table>
        <thead>
          <tr>
            {keys.map((key) => (
              <th key={key} scope="col">
                {titleOf(items, labels, key, language)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {keys.map((key) => (
                <td key={key}>
                  <SchemaValue schema={items.properties?.[key] ?? {}} value={row[key]} labels={labels} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function List(props: { items: JsonSchema; values: readonly unknown[]; labels: Labels }): JSX.Element {
  const { items, values, labels } = props;
  return (
    <ul class="values">
      {values.map((value, i) => (
        <li key={i}>
          <SchemaValue schema={items} value={value} labels={labels} />
        </li>
      ))}
    </ul>
  );
}

/** The name of a field that was given for people, the schema's own title, or its key as words. */
function titleOf(schema: JsonSchema, labels: Labels, key: string, language: Language): string {
  const label = Object.hasOwn(labels, key) ? inLanguage(labels[key], language) : '';
  if (label !== '') return label;
  const title = schema.properties?.[key]?.title;
  if (title !== undefined) return title;
  const words = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
