/** Whether a model's chat template writes conversations in such a way that it can be taught. */
import { SensoriumError } from '../../core/index.ts';
import type { ChatMessage, ChatOptions, CheckpointTokenizer, ContentPart } from '../../data/index.ts';
import type { RecipeFinding } from './finding.ts';

/** What is looked at. */
export interface TemplateSubject {
  readonly tokenizer: CheckpointTokenizer;
  /** Text that stands for a picture; absent in models that read none. */
  readonly imageMarker?: string | undefined;
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[];
  /** How messages call the model. */
  readonly where: string;
}

const QUESTION = 'What is this?';
const ANSWER = 'Zebra crossing.';
const SECOND = 'Really?';
const LAST = 'Indeed.';

/** Writes a conversation that is known and looks at what comes of it. */
export function templateFindings({ tokenizer, imageMarker, stopTokens, where }: TemplateSubject): RecipeFinding[] {
  const findings: RecipeFinding[] = [];
  const find = (check: string, level: RecipeFinding['level'], message: string, hint: string): void => {
    findings.push({ level, check, where, message, hint });
  };
  const templates = tokenizer.chatTemplates;
  if (templates === undefined) {
    find(
      'chat-template',
      'error',
      'there is no chat template, so that it is not known how conversations are written',
      'add chat_template to tokenizer_config.json, or begin with a model that was tuned for conversations',
    );
    return findings;
  }
  const render = (messages: readonly ChatMessage[], options: ChatOptions = {}): string =>
    templates.render(messages, options);
  const messages = conversation(imageMarker !== undefined);
  let text: string;
  try {
    text = render(messages);
  } catch (error) {
    find(
      'chat-template',
      'error',
      `the chat template refuses a conversation of two questions and answers: ${messageOf(error)}`,
      'correct the template; roles are user and assistant, and content is text or a list of parts',
    );
    return findings;
  }
  if (imageMarker !== undefined) {
    const markers = text.split(imageMarker).length - 1;
    if (markers !== 1)
      find(
        'image-marker',
        'error',
        `the chat template writes ${markers} times ${imageMarker} for one picture`,
        `it must write ${imageMarker} once for each part of type image, and nowhere else`,
      );
  }
  for (const said of [ANSWER, LAST])
    if (!text.includes(said)) {
      find(
        'assistant-turns',
        'error',
        `the chat template does not write what the assistant says as it is (${JSON.stringify(said)} is not there)`,
        'correct the template: without the answers there is nothing to learn',
      );
      return findings;
    }
  for (const turn of [1, 3]) {
    const prompt = render(messages.slice(0, turn), { addGenerationPrompt: true });
    if (!text.startsWith(prompt)) {
      find(
        'generation-prompt',
        turn === 1 ? 'error' : 'warning',
        `a prompt is written otherwise than the same turns are in training: after ${JSON.stringify(common(text, prompt).slice(-24))} ` +
          `training goes on with ${JSON.stringify(text.slice(common(text, prompt).length).slice(0, 24))}, ` +
          `a prompt with ${JSON.stringify(prompt.slice(common(text, prompt).length).slice(0, 24))}`,
        'the assistant’s tokens cannot be told apart; correct the template, or give conversations of one question and one answer',
      );
      return findings;
    }
  }
  const prompt = render(messages.slice(0, 1), { addGenerationPrompt: true });
  if (prompt === render(messages.slice(0, 1)))
    find(
      'generation-prompt',
      'warning',
      'the chat template knows no generation prompt, so that a prompt does not say whose turn it is',
      'write the beginning of the assistant’s turn where add_generation_prompt is set',
    );
  const single = render(messages.slice(0, 2));
  if (!text.startsWith(single))
    find(
      'assistant-turns',
      'warning',
      'the chat template writes an answer otherwise once other turns follow, so that its tokens cannot be told apart',
      'give conversations of one question and one answer, or correct the template',
    );
  findings.push(...endFindings(single, { tokenizer, stopTokens, where }));
  const ids = tokenizer.encode(text, { specialTokens: false });
  if (tokenizer.bosId !== undefined && ids[0] === tokenizer.bosId && ids[1] === tokenizer.bosId)
    find('start', 'warning', 'the chat template writes the start of a text twice', 'write it once');
  return findings;
}

/** Whether an answer ends with a token at which the model stops. */
function endFindings(
  text: string,
  { tokenizer, stopTokens, where }: Pick<TemplateSubject, 'tokenizer' | 'stopTokens' | 'where'>,
): RecipeFinding[] {
  const at = text.indexOf(ANSWER) + ANSWER.length;
  const ids = tokenizer.encode(text.slice(at), { specialTokens: false });
  const shown = (id: number | undefined): string =>
    id === undefined ? 'nothing' : JSON.stringify(tokenizer.decode([id], { specialTokens: true }));
  if (ids[0] !== undefined && stopTokens.includes(ids[0])) return [];
  // Some put a space or a line end before the sign.
  const next = ids.slice(0, 3).find((id) => stopTokens.includes(id));
  if (next !== undefined) return [];
  return [
    {
      level: 'warning',
      check: 'end-of-turn',
      where,
      message: `after an answer the chat template writes ${shown(ids[0])}, but the model stops at ${stopTokens.map(shown).join(', ') || 'no token'}`,
      hint: 'a model that never learns its end goes on writing: name the token in generation_config.json as eos_token_id, or correct the template',
    },
  ];
}

function conversation(withPicture: boolean): ChatMessage[] {
  const asked = (text: string): string | ContentPart[] => (withPicture ? [{ type: 'text', text }] : text);
  return [
    { role: 'user', content: withPicture ? [{ type: 'image' }, { type: 'text', text: QUESTION }] : QUESTION },
    { role: 'assistant', content: asked(ANSWER) },
    { role: 'user', content: asked(SECOND) },
    { role: 'assistant', content: asked(LAST) },
  ];
}

/** What two texts begin with alike. */
function common(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}

function messageOf(error: unknown): string {
  if (error instanceof SensoriumError) return error.message.split('\n')[0]!;
  return error instanceof Error ? error.message : String(error);
}
