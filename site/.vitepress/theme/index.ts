import DefaultTheme from 'vitepress/theme';
import './drawings.css';

export default DefaultTheme;
