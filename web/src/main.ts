// The entry: styles, theme, announcements, then the app.
import '@fontsource-variable/schibsted-grotesk/wght.css';
import './styles/tokens.css';
import './theme';
import { announceIn } from './announce';
import './app';

announceIn(document.body);
