// The entry: styles, theme, announcements, then the app.
import '@fontsource-variable/schibsted-grotesk/wght.css';
import './styles/tokens.css';
import './theme';
import { prepareAnnouncements } from './announce';
import './app';

prepareAnnouncements();
