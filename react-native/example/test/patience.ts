import { configure } from '@testing-library/react-native'

configure({ asyncUtilTimeout: 30_000 })
