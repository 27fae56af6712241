import type { Concept, Language } from '../emoji/concepts.ts';

/**
 * Broad kinds of things that scenes are asked about, built on Unicode's subgroups. Concepts whose kind can be argued about,
 * or that cannot be told apart when drawn small (the hours of clocks, sizes of squares), are in none.
 */
export interface SceneKind {
  readonly key: string;
  /** One, and several. */
  readonly en: readonly [one: string, many: string];
  readonly zh: string;
  readonly of: readonly string[];
  /** English names of these subgroups that are left out, and of others that are taken in. */
  readonly except?: RegExp;
  readonly also?: readonly string[];
  /** Concepts of other kinds that one could count here, by `key name`: `person judge` might be called someone's face. */
  readonly unclear?: RegExp;
}

export const SCENE_KINDS: readonly SceneKind[] = [
  { key: 'animal', en: ['animal', 'animals'], zh: '动物', of: ['animal-mammal', 'animal-bird', 'animal-amphibian', 'animal-reptile', 'animal-marine', 'animal-bug'], except: /^(paw prints|pig nose|feather|wing|spiral shell|coral|spider web|microbe|guide dog|service dog|oyster|hatching chick|front-facing baby chick)$/, unclear: /\b(bear|horse|fish|shrimp|crab|lobster|poultry|egg|hot dog|mouse|bird|monkey|cat|carp|dog|dragon)\b/ },
  { key: 'food', en: ['food', 'foods'], zh: '食物', of: ['food-fruit', 'food-vegetable', 'food-prepared', 'food-asian', 'food-sweet'], except: /^(brown mushroom|cooking|salt|butter|bowl with spoon|honey pot|falafel|shallow pan of food|pot of food)$/, unclear: /\b(mushroom|herb|rice|crab|lobster|shrimp|fish|chicken|turkey|egg|eggs|oyster)\b/ },
  { key: 'drink', en: ['drink', 'drinks'], zh: '饮料', of: ['drink'], except: /^(baby bottle|teapot|ice|pouring liquid|bottle with popping cork|clinking .*|mate)$/, unclear: /\b(coconut|bottle|jar|ice)\b/ },
  { key: 'plant', en: ['plant', 'plants'], zh: '植物', of: ['plant-flower', 'plant-other'], except: /^(rosette|empty nest|nest with eggs|mushroom|white flower|bouquet|leaf fluttering in wind)$/, unclear: /\b(tree|flower|leaf|leafy|broccoli|ear of corn|mushroom|garden|sunflower|national park|desert|pine)\b/ },
  { key: 'vehicle', en: ['vehicle', 'vehicles'], zh: '交通工具', of: ['transport-ground', 'transport-water', 'transport-air'], except: /^(station|bus stop|motorway|railway track|fuel pump|wheel|police car light|.*traffic light|stop sign|construction|roller skate|skateboard|anchor|ring buoy|parachute|seat|satellite|.* wheelchair|oil drum|oncoming .*|mountain railway|metro|kick scooter|airplane (departure|arrival)|railway car|tram car|monorail|light rail|mountain cableway|suspension railway|aerial tramway|flying saucer)$/, unclear: /\b(sled|skis|biking|rowing|shopping cart|boat|surfing|car)\b/ },
  { key: 'building', en: ['building', 'buildings'], zh: '建筑', of: ['place-building', 'place-religious'], except: /^(brick|rock|wood|wedding|building construction|Statue of Liberty|Japanese post office|love hotel|houses|stadium|derelict house)$/, unclear: /\b(tent|castle|house|fountain|cityscape|camping)\b/ },
  { key: 'clothing', en: ['thing to wear', 'things to wear'], zh: '穿戴物', of: ['clothing'], except: /^(folding hand fan|purse|handbag|clutch bag|shopping bags|backpack|hair pick|prayer beads|lipstick|gem stone|woman's clothes|rescue worker's helmet|ring|man's shoe)$/, unclear: /\b(person|shirt|uniform|glove|skate|watch|mask|helmet|hat|sunglasses|glasses|ribbon|boot|shoe)\b/ },
  { key: 'face', en: ['face', 'faces'], zh: '脸', of: ['face-smiling', 'face-affection', 'face-tongue', 'face-hand', 'face-neutral-skeptical', 'face-sleepy', 'face-unwell', 'face-hat', 'face-glasses', 'face-concerned', 'face-negative'], except: /skull|^(dotted line face|exploding head|head shaking .*|slightly .*|grinning face with (big|smiling) eyes|face in clouds|smiling face|frowning face|kissing face with smiling eyes)$/, unclear: /\b(person|face|head|clown|ogre|goblin|ghost|alien|robot|mask)\b/ },
  { key: 'person', en: ['person', 'people'], zh: '人', of: ['person', 'person-gesture', 'person-role', 'person-activity', 'person-sport', 'person-resting'], except: /^(man|woman|men|women|person): |^(man|woman|men|women|boy|girl|old) |facing right|^(person|older person|adult|deaf person|person (kneeling|standing|pouting|frowning))$/, unclear: /\b(hand|snowman|doll|dolls|figure|statue|moai|people|person|men|man|woman|bust|head|silhouette|teddy)\b/ },
  { key: 'hand', en: ['hand', 'hands'], zh: '手', of: ['hand-fingers-open', 'hand-fingers-partial', 'hand-single-finger', 'hand-fingers-closed'], except: /^(palm .*|rightwards .*|leftwards .*|raised back of hand|hand with .*|right-facing fist|left-facing fist|pinched fingers|index pointing up)$/, unclear: /\b(hand|hands|finger|fist|arm|glove|gloves|person|biceps|hamsa|selfie|nail|prayer|shushing|thinking|saluting)\b/ },
  { key: 'heart', en: ['heart', 'hearts'], zh: '爱心', of: ['heart'], except: /^(love letter|heart decoration|heart exclamation|revolving hearts|grey heart|growing heart|beating heart|two hearts)$/, unclear: /\b(heart|hearts|heart-eyes|kiss|kissing|love|love-you|wedding|couple)\b/ },
  { key: 'sport', en: ['sports item', 'sports items'], zh: '体育用品', of: ['sport'], except: /^(running shirt|martial arts uniform|flag in hole|cricket game|field hockey|softball)$/, unclear: /\b(ball|skate|skateboard|shoe|kite|yo-yo|bow and arrow|dart|bullseye|person (fencing|golfing|surfing|bouncing|lifting|playing)|skier|snowboarder|canoe|boomerang|swimsuit|medal|trophy)\b/ },
  { key: 'toy', en: ['toy', 'toys'], zh: '玩具', of: [], also: ['yo-yo', 'kite', 'water pistol', 'teddy bear', 'nesting dolls', 'game die', 'puzzle piece', 'piñata', 'balloon', 'video game', 'joystick'], unclear: /\b(ball|slide|horse|disc|sled|doll|dolls|scooter|boomerang)\b/ },
  { key: 'instrument', en: ['musical instrument', 'musical instruments'], zh: '乐器', of: ['musical-instrument'], unclear: /\b(bell|horn|music|microphone|keyboard|chime)\b/ },
  { key: 'tool', en: ['tool', 'tools'], zh: '工具', of: ['tool'], except: /^(dagger|crossed swords|bomb|boomerang|bow and arrow|shield|balance scale|white cane|link|broken chain|chains|gear|hammer and (pick|wrench)|hook|nut and bolt)$/, unclear: /\b(scissors|knife|broom|plunger|fire extinguisher|ruler|razor|sponge|bucket|toothbrush|brush|paintbrush|flashlight|fork|spoon|sword|key|pen|pencil|mouse trap)\b/ },
  { key: 'household', en: ['household item', 'household items'], zh: '家居用品', of: ['household'], except: /^(elevator|mouse trap|shopping cart|bubbles|safety pin|window)$/, unclear: /\b(bell|clock|lamp|candle|key|lock|jar|bulb|television|radio|umbrella|picture|telephone|teapot|plate|flashlight|phone|lantern|basket)\b/ },
  { key: 'device', en: ['device', 'devices'], zh: '电子设备', of: [], also: ['mobile phone', 'telephone', 'pager', 'fax machine', 'laptop', 'desktop computer', 'printer', 'keyboard', 'computer mouse', 'television', 'camera', 'video camera', 'radio', 'headphone', 'battery', 'movie camera'], unclear: /\b(game|joystick|clock|watch|phone|camera|musical keyboard|microphone|flashlight|stopwatch|bulb)\b/ },
  { key: 'stationery', en: ['office item', 'office items'], zh: '文具', of: ['writing'], except: /^(black nib|memo|pen)$/, also: ['briefcase', 'file folder', 'clipboard', 'pushpin', 'round pushpin', 'paperclip', 'straight ruler', 'triangular ruler', 'scissors', 'file cabinet', 'calendar', 'bar chart', 'spiral notepad'], unclear: /\b(book|notebook|printer|paper|envelope|keyboard|laptop|computer|desktop|fax|telephone|books)\b/ },
  { key: 'book', en: ['book', 'books'], zh: '书', of: [], also: ['closed book', 'open book', 'green book', 'blue book', 'orange book', 'books', 'notebook', 'notebook with decorative cover', 'ledger'], unclear: /\b(notepad|calendar|memo|scroll|newspaper|book)\b/ },
  { key: 'sky', en: ['sky object', 'sky objects'], zh: '天象', of: ['sky-weather'], except: /^(thermometer|.*umbrella.*|high voltage|fire|droplet|water wave|snowman.*|.* moon face|(waxing|waning|first quarter|last quarter|new) .*moon|dashing away|full moon face|milky way|sun behind (small|large) cloud|cloud with (lightning|snow|rain)|wind face|glowing star|fog)$/, unclear: /\b(sun|star|sunrise|sunset|moon|night|rainbow|satellite|saucer|rocket|globe|airplane|helicopter|sparkle|sparkles|fireworks|cloud|clouds|umbrella|snowman|heart on fire)\b/ },
  { key: 'clock', en: ['clock', 'clocks'], zh: '钟表', of: [], also: ['hourglass done', 'watch', 'alarm clock', 'stopwatch', 'timer clock', 'mantelpiece clock'], unclear: /\b(clock|compass|o'clock)\b/ },
  { key: 'body', en: ['body part', 'body parts'], zh: '身体部位', of: ['body-parts'], except: /^(mechanical .*|ear with hearing aid|eye|biting lip|anatomical heart)$/, unclear: /\b(hand|hands|finger|fist|face|person|footprints|heart|poultry leg|meat on bone|thumbs|skull|head|ear of corn|nose|kiss|tongue|eyes|paw|wing)\b/ },
  { key: 'symbol', en: ['symbol', 'symbols'], zh: '符号', of: ['religion', 'zodiac', 'math', 'punctuation', 'gender'], except: /^(place of worship|dotted six-pointed star|wavy dash|heavy equals sign|white (question|exclamation) mark|exclamation question mark|double exclamation mark|menorah|divide|minus)$/, also: ['recycling symbol', 'check mark', 'cross mark', 'warning', 'no entry', 'prohibited', 'radioactive', 'biohazard', 'up arrow', 'down arrow', 'left arrow', 'right arrow', 'copyright', 'hollow red circle', 'fleur-de-lis', 'play button', 'pause button', 'stop button', 'eight-spoked asterisk'], unclear: /\b(heart|star|arrow|button|sign|mark|note|musical note|circle|square|diamond|triangle)\b/ },
  { key: 'shape', en: ['shape', 'shapes'], zh: '图形', of: ['geometric'], except: /\b(small|medium|large|medium-small|button|diamond with)\b|^(black|white) circle$/, unclear: /\b(heart|star|circle|square|diamond|triangle|button|moon)\b/ },
  { key: 'flag', en: ['flag', 'flags'], zh: '旗子', of: ['flag'], except: /^(crossed flags|transgender flag)$/, unclear: /\b(flag|streamer)\b/ },
  { key: 'money', en: ['money item', 'money items'], zh: '钱', of: ['money'], except: /^(credit card|receipt|chart .*|(yen|euro|pound) banknote)$/, unclear: /\b(dollar|currency|money|money-mouth|envelope|medal)\b/ },
]; // prettier-ignore

/** The kind of every concept that has one, by the concept's index. */
export function kindsOf(concepts: readonly Concept[]): readonly (SceneKind | undefined)[] {
  return concepts.map(({ subgroup, wording }) =>
    SCENE_KINDS.find(
      ({ of, except, also }) =>
        also?.includes(wording.en.name) === true || (of.includes(subgroup) && except?.test(wording.en.name) !== true),
    ),
  );
}

/** `animal`, `动物`. */
export function kindName(kind: SceneKind, language: Language, many = false): string {
  return language === 'zh' ? kind.zh : kind.en[many ? 1 : 0];
}
