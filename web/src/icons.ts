// The icons of the app, as SVG templates. They are decoration: the control that holds one has a label.
import { html, type TemplateResult } from 'lit';
import { unsafeSVG } from 'lit/directives/unsafe-svg.js';
import {
  ArrowLeft,
  ArrowRight,
  AudioLines,
  Check,
  CircleDot,
  CircleStop,
  ChevronDown,
  ChevronUp,
  CircleAlert,
  Clock,
  Copy,
  Crown,
  Download,
  Ellipsis,
  Eye,
  DoorOpen,
  Film,
  Hand,
  Keyboard,
  Link,
  LoaderCircle,
  Lock,
  LogOut,
  Maximize,
  MessageSquare,
  Mic,
  MicOff,
  Minimize,
  Minus,
  Monitor,
  MonitorOff,
  MonitorUp,
  Moon,
  Pencil,
  Pin,
  PinOff,
  Play,
  Plus,
  RefreshCw,
  Scan,
  SendHorizontal,
  Settings,
  Share2,
  Sun,
  SunMoon,
  Trash2,
  ArrowLeftRight,
  AppWindow,
  UserMinus,
  UserPlus,
  Users,
  Video,
  VideoOff,
  Volume2,
  WifiOff,
  X,
  type IconNode,
} from 'lucide';

const nodes = {
  alert: CircleAlert,
  back: ArrowLeft,
  camera: Video,
  cameraOff: VideoOff,
  chat: MessageSquare,
  check: Check,
  clock: Clock,
  close: X,
  copy: Copy,
  crown: Crown,
  delete: Trash2,
  door: DoorOpen,
  down: ChevronDown,
  download: Download,
  edit: Pencil,
  eye: Eye,
  film: Film,
  fit: Scan,
  forward: ArrowRight,
  fullscreen: Maximize,
  fullscreenExit: Minimize,
  hand: Hand,
  keyboard: Keyboard,
  leave: LogOut,
  light: Sun,
  link: Link,
  loading: LoaderCircle,
  lock: Lock,
  microphone: Mic,
  microphoneOff: MicOff,
  minus: Minus,
  more: Ellipsis,
  night: Moon,
  offline: WifiOff,
  passOn: Share2,
  people: Users,
  pin: Pin,
  play: Play,
  plus: Plus,
  record: CircleDot,
  recordOff: CircleStop,
  reload: RefreshCw,
  screen: Monitor,
  screenOff: MonitorOff,
  send: SendHorizontal,
  settings: Settings,
  share: MonitorUp,
  speaker: Volume2,
  speaking: AudioLines,
  swap: ArrowLeftRight,
  system: SunMoon,
  tabs: AppWindow,
  unpin: PinOff,
  up: ChevronUp,
  userMinus: UserMinus,
  userPlus: UserPlus,
} satisfies Record<string, IconNode>;

export type IconName = keyof typeof nodes;

const drawn = new Map<IconName, string>();

export function icon(name: IconName): TemplateResult {
  let shapes = drawn.get(name);
  if (shapes === undefined) {
    shapes = nodes[name].map(([tag, attributes]) => shape(tag, attributes)).join('');
    drawn.set(name, shapes);
  }
  // The shapes are constants of this build, never anything a person typed.
  return html`<svg
    class="icon"
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="1.9"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    ${unsafeSVG(shapes)}
  </svg>`;
}

function shape(tag: string, attributes: Record<string, unknown>): string {
  const list = Object.entries(attributes).map(([name, value]) => ` ${name}="${String(value)}"`);
  return `<${tag}${list.join('')}/>`;
}
