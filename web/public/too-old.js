// Only browsers without module scripts run this file.
document.getElementById('too-old').hidden = false;
